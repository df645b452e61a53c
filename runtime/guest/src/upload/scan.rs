//! A look at an upload before it is compiled, in one pass over its bytes.
//!
//! A limit on bytes alone is no protection: what compiling costs grows with a function's locals times its blocks.

use super::refusal::Refusal;
use crate::limits::UploadLimits;
use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// Refuses what would be too much work to compile, or isn't a component at all.
pub(crate) fn scan(bytes: &[u8], limits: &UploadLimits) -> Result<(), Refusal> {
    if bytes.len() > limits.bytes {
        return Err(Refusal::TooLarge { bytes: bytes.len(), most: limits.bytes });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(Refusal::NotWasm { found: guess(bytes) });
    }
    let mut totals = Totals::default();
    for payload in Parser::new(0).parse_all(bytes) {
        totals.take(payload.map_err(malformed)?, limits)?;
    }
    Ok(())
}

#[derive(Default)]
struct Totals {
    functions: u64,
    modules: u64,
    imports: u64,
}

impl Totals {
    fn take(&mut self, payload: Payload<'_>, limits: &UploadLimits) -> Result<(), Refusal> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.modules += 1;
                within("modules", "the component", self.modules, limits.modules.into(), "link them into fewer")
            }
            Payload::CodeSectionEntry(body) => {
                let place = self.functions;
                self.functions += 1;
                let most = limits.functions.into();
                within("functions", "the component", self.functions, most, "leave out code that isn't used")?;
                function(&body, &format_args!("function {place} at byte {}", body.range().start), limits)
            }
            // Counted and not read: types are read by a recursion, which is the compiler's process to risk.
            Payload::ComponentImportSection(section) => {
                self.imports += u64::from(section.count());
                imports(self.imports, limits)
            }
            _ => Ok(()),
        }
    }
}

fn imports(found: u64, limits: &UploadLimits) -> Result<(), Refusal> {
    within("imports", "the component", found, limits.imports.into(), IMPORT_LESS)
}

/// Functions of imported interfaces, which are known once the component is compiled.
pub(super) fn imported_functions(found: usize, limits: &UploadLimits) -> Result<(), Refusal> {
    within("imported functions", "the component", found as u64, limits.imports.into(), IMPORT_LESS)
}

const IMPORT_LESS: &str = "import only interfaces and functions that are used";

fn function(body: &FunctionBody<'_>, place: &dyn std::fmt::Display, limits: &UploadLimits) -> Result<(), Refusal> {
    const SPLIT: &str = "split the function";
    let bytes = body.range().len() as u64;
    within("bytes", place, bytes, limits.body_bytes as u64, SPLIT)?;
    let mut locals = 0_u64;
    for group in body.get_locals_reader().map_err(malformed)? {
        locals += u64::from(group.map_err(malformed)?.0);
    }
    within("locals", place, locals, limits.locals.into(), SPLIT)?;
    // A block takes two bytes at least, so most functions need no closer look.
    if locals * (bytes / 2) > limits.locals_by_blocks {
        let product = locals * blocks(body)?;
        within("locals times blocks", place, product, limits.locals_by_blocks, SPLIT)?;
    }
    Ok(())
}

/// Places where control may split or join.
fn blocks(body: &FunctionBody<'_>) -> Result<u64, Refusal> {
    let mut blocks = 1;
    for operator in body.get_operators_reader().map_err(malformed)? {
        blocks += match operator.map_err(malformed)? {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::BrIf { .. } => 1,
            Operator::BrTable { targets } => u64::from(targets.len()) + 1,
            _ => 0,
        };
    }
    Ok(blocks)
}

fn within(
    what: &'static str,
    place: impl std::fmt::Display,
    found: u64,
    most: u64,
    mend: &'static str,
) -> Result<(), Refusal> {
    if found > most {
        return Err(Refusal::OverLimit { what, place: place.to_string(), found, most, mend });
    }
    Ok(())
}

fn malformed(error: wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Malformed { reason: format!("{} at byte {}", error.message(), error.offset()) }
}

/// What people upload by mistake.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "the upload is empty",
        [b'(', ..] => "it looks like WebAssembly's text format, which has to be assembled first",
        [0x1f, 0x8b, ..] => "it is compressed with gzip",
        [b'P', b'K', ..] => "it is a zip archive",
        [0x7f, b'E', b'L', b'F', ..] => "it is a native program; build for `wasm32-wasip2`",
        [0, b'a', b's', b'm', ..] => "it is WebAssembly of a version that nobody defined, or cut off",
        _ => "it doesn't begin like one",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component_of(function: &str) -> Vec<u8> {
        wat::parse_str(format!("(component (core module {function}))")).unwrap()
    }

    fn refusal(bytes: &[u8], limits: UploadLimits) -> String {
        scan(bytes, &limits).unwrap_err().to_string()
    }

    #[test]
    fn an_ordinary_component_passes() {
        assert_eq!(scan(&component_of("(func (local i32))"), &UploadLimits::default()), Ok(()));
    }

    #[test]
    fn a_small_upload_of_many_locals_is_refused() {
        let locals = "(local".to_string() + &" i64".repeat(2_001) + ")";
        let bytes = component_of(&format!("(func {locals})"));
        assert!(bytes.len() < 10_000);
        let text = refusal(&bytes, UploadLimits::default());
        assert!(text.contains("function 0 at byte") && text.contains("2001 locals, 2000 are the most"), "{text}");
    }

    #[test]
    fn locals_and_blocks_are_multiplied() {
        let function = format!("(func (local{}) {})", " i32".repeat(1_500), "block end ".repeat(1_500));
        let text = refusal(&component_of(&function), UploadLimits::default());
        assert!(text.contains("locals times blocks"), "{text}");
    }

    #[test]
    fn sizes_and_counts_are_limited() {
        let bytes = component_of("(func) (func) (func nop nop nop nop nop nop nop nop nop nop)");
        let small = UploadLimits { bytes: 10, ..UploadLimits::default() };
        assert!(refusal(&bytes, small).contains("10 are the most"));
        let few = UploadLimits { functions: 2, ..UploadLimits::default() };
        assert!(refusal(&bytes, few).contains("3 functions, 2 are the most"));
        let short = UploadLimits { body_bytes: 8, ..UploadLimits::default() };
        assert!(refusal(&bytes, short).contains("function 2 at byte"));
        let none = UploadLimits { modules: 0, ..UploadLimits::default() };
        assert!(refusal(&bytes, none).contains("1 modules, 0 are the most"));
        let imports = wat::parse_str(r#"(component (import "a" (func)) (import "b" (func)))"#).unwrap();
        let alone = UploadLimits { imports: 1, ..UploadLimits::default() };
        assert!(refusal(&imports, alone).contains("2 imports, 1 are the most"));
    }

    #[test]
    fn what_is_no_component_is_called_by_its_name() {
        let limits = UploadLimits::default();
        let module = wat::parse_str("(module)").unwrap();
        assert_eq!(scan(&module, &limits), Err(Refusal::CoreModule));
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"(component)", "text format"),
            (b"PK\x03\x04", "zip"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\x7fELF", "native"),
            (b"\0asm\x09\0\x01\0", "version"),
            (b"hello", "doesn't begin"),
        ] {
            let text = refusal(bytes, limits);
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_cut_off_component_is_malformed_at_a_place() {
        let bytes = component_of("(func (local i32))");
        let text = refusal(&bytes[..bytes.len() - 3], UploadLimits::default());
        assert!(text.contains("can't be read") && text.contains("at byte"), "{text}");
    }
}
