//! Whether a component fits the contract: what it exports, and what it wants.

use super::handler::Export;
use super::refusal::Refusal;
use super::scan::imported_functions;
use crate::call::Call;
use crate::event::Kind;
use crate::limits::UploadLimits;
use crate::{imports, wasi};
use std::collections::HashMap;
use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, Linker};

/// The version of `signalbox:messaging` that this host speaks.
pub(crate) const CONTRACT_VERSION: &str = "0.1.0";

const CONTRACT: &str = "signalbox:messaging/";
const WASI_PACKAGES: [&str; 5] = ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/", "wasi:http/"];

/// All that this host offers to every component.
pub(crate) fn offers(engine: &Engine) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    imports::add_to(&mut linker)?;
    wasi::add_to(&mut linker)?;
    Ok(linker)
}

/// The handlers among a component's exports.
pub(super) fn exports(engine: &Engine, component: &Component) -> Result<Vec<Export>, Refusal> {
    let ty = component.component_type();
    let mut handlers = Vec::new();
    let mut others = Vec::new();
    for (name, _) in ty.exports(engine) {
        let Some(interface) = name.strip_prefix(CONTRACT) else {
            others.push(name.to_owned());
            continue;
        };
        let (interface, version) = split_version(interface);
        let kind = Kind::ALL.into_iter().find(|kind| kind.interface() == interface);
        match kind {
            Some(kind) if same_track(version, CONTRACT_VERSION) => {
                handlers.push(Export { kind, version: version.to_owned() });
            }
            _ => {
                return Err(Refusal::OtherContract { export: name.to_owned(), offered: CONTRACT_VERSION });
            }
        }
    }
    if handlers.is_empty() {
        return Err(Refusal::NoHandler { exports: others, offered: CONTRACT_VERSION });
    }
    handlers.sort_by_key(|export| export.kind);
    Ok(handlers)
}

/// A component's imports by name, after a check that all of them are offered.
pub(super) fn imports(
    engine: &Engine,
    offered: &Linker<Call>,
    component: &Component,
    limits: &UploadLimits,
) -> Result<Vec<String>, Refusal> {
    let ty = component.component_type();
    // An import takes few bytes where its type is another's, too; so what is looked up is counted first.
    let functions = ty.imports(engine).map(|(_, item)| match item.ty {
        ComponentItem::ComponentInstance(instance) => functions(engine, &instance).count(),
        _ => 1,
    });
    imported_functions(functions.sum(), limits)?;
    let mut offered = Offered::new(offered);
    let mut wanted = Vec::new();
    let mut unknown = Vec::new();
    for (name, item) in ty.imports(engine) {
        wanted.push(name.to_owned());
        match item.ty {
            _ if wasi::is_denied(name) => {}
            ComponentItem::ComponentInstance(instance) => {
                unknown.extend(missing(engine, &mut offered, name, &instance));
            }
            _ => unknown.push(name.to_owned()),
        }
    }
    if unknown.is_empty() { Ok(wanted) } else { Err(Refusal::UnknownImports { names: unknown }) }
}

/// What of an imported interface isn't offered: the interface as a whole, or single functions of it.
fn missing(engine: &Engine, offered: &mut Offered, import: &str, instance: &types::ComponentInstance) -> Vec<String> {
    let (interface, version) = split_version(import);
    let Some(ours) = our_version(interface) else { return vec![import.to_owned()] };
    if !same_track(version, ours) {
        return vec![format!("{import} (here it is {interface}@{ours})")];
    }
    let canonical = format!("{interface}@{ours}");
    let absent: Vec<_> = functions(engine, instance).filter(|function| !offered.has(&canonical, function)).collect();
    if !absent.is_empty() && absent.len() == functions(engine, instance).count() {
        return vec![import.to_owned()];
    }
    absent.into_iter().map(|function| format!("{import}#{function}")).collect()
}

fn functions<'a>(engine: &'a Engine, instance: &'a types::ComponentInstance) -> impl Iterator<Item = &'a str> {
    let functions = instance.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
    functions.map(|(name, _)| name)
}

/// What is offered, to be asked. A linker can't be asked what is in it, but it refuses to have a thing twice; so a copy is
/// given what it is asked for, and what it then has is remembered as not offered.
struct Offered {
    probe: Linker<Call>,
    known: HashMap<(String, String), bool>,
}

impl Offered {
    fn new(offered: &Linker<Call>) -> Self {
        Self { probe: offered.clone(), known: HashMap::new() }
    }

    fn has(&mut self, interface: &str, function: &str) -> bool {
        let key = (interface.to_owned(), function.to_owned());
        *self.known.entry(key).or_insert_with(|| {
            let instance = self.probe.instance(interface);
            instance.is_ok_and(|mut instance| instance.func_new(function, |_, _, _, _| Ok(())).is_err())
        })
    }
}

fn our_version(interface: &str) -> Option<&'static str> {
    if interface.starts_with(CONTRACT) {
        return Some(CONTRACT_VERSION);
    }
    WASI_PACKAGES.iter().any(|package| interface.starts_with(package)).then_some(wasi::VERSION)
}

fn split_version(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// Versions that stand in for each other: of the same major, or below 1.0 of the same minor.
fn same_track(wanted: &str, ours: &str) -> bool {
    let track = |version: &str| {
        let mut parts = version.split(['.', '-', '+']).map(str::to_owned);
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) if major == "0" => Some((major, Some(minor))),
            (Some(major), Some(_)) => Some((major, None)),
            _ => None,
        }
    };
    track(wanted).is_some_and(|wanted| Some(wanted) == track(ours))
}

#[cfg(test)]
mod tests {
    use super::{CONTRACT_VERSION, same_track};

    #[test]
    fn the_version_offered_is_the_one_in_wit() {
        let wit = include_str!("../../../../wit/types.wit");
        assert!(wit.starts_with(&format!("package signalbox:messaging@{CONTRACT_VERSION};")));
    }

    #[test]
    fn versions_of_one_track_stand_in_for_each_other() {
        for wanted in ["0.1.0", "0.1.7", "0.1.2-rc.1"] {
            assert!(same_track(wanted, "0.1.0"), "{wanted}");
        }
        for wanted in ["0.2.0", "1.1.0", "", "0", "latest"] {
            assert!(!same_track(wanted, "0.1.0"), "{wanted}");
        }
    }
}
