//! Bindings in C and Go for a contract, and components of core modules.
//!
//! ```text
//! signalbox-bindgen c         WIT WORLD FOLDER       the bindings' sources, into FOLDER
//! signalbox-bindgen go        WIT WORLD FOLDER
//! signalbox-bindgen component WIT WORLD CORE OUT     a core module that was built with them, as a component
//! ```
//!
//! WIT is a file or a folder with its `deps`.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use wasi_preview1_component_adapter_provider as wasip1;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{Resolve, WorldId};

const USAGE: &str = "signalbox-bindgen c|go WIT WORLD FOLDER, or signalbox-bindgen component WIT WORLD CORE OUT";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signalbox-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match *words {
        ["c", wit, world, folder] => bindings(wit, world, Path::new(folder), c().as_mut(), <[u8]>::to_vec),
        ["go", wit, world, folder] => bindings(wit, world, Path::new(folder), go().as_mut(), mended_go),
        ["component", wit, world, core, out] => component(wit, world, Path::new(core), Path::new(out)),
        _ => bail!("usage: {USAGE}"),
    }
}

fn c() -> Box<dyn WorldGenerator> {
    wit_bindgen_c::Opts::default().build()
}

fn go() -> Box<dyn WorldGenerator> {
    wit_bindgen_go::Opts { quiet: true, format: wit_bindgen_go::Format::False, ..Default::default() }.build()
}

fn contract(wit: &str, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// A variant's case `tag` has its getter renamed to `Tag_`, since `Tag` says which case it is; wit-bindgen-go 0.63 calls it by
/// the old name where it hands the variant over.
fn mended_go(source: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(source);
    let lines = text.split_inclusive('\n').map(|line| match line.trim_start().strip_prefix("payload := ") {
        Some(_) if line.ends_with(".Tag()\n") => line.replace(".Tag()", ".Tag_()"),
        _ => line.to_owned(),
    });
    lines.collect::<String>().into_bytes()
}

fn bindings(
    wit: &str,
    world: &str,
    folder: &Path,
    generator: &mut dyn WorldGenerator,
    mend: fn(&[u8]) -> Vec<u8>,
) -> Result<()> {
    let (mut resolve, world) = contract(wit, world)?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    for (name, content) in files.iter() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        }
        fs::write(&path, mend(content)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// What the module wants of WASI's first preview is translated by the adapter; a module that wants nothing of it gets
/// nothing of the adapter.
fn component(wit: &str, world: &str, core: &Path, out: &Path) -> Result<()> {
    let (resolve, world) = contract(wit, world)?;
    let mut module = fs::read(core).with_context(|| core.display().to_string())?;
    // C's bindings link the contract into the module by themselves; Go's don't.
    if metadata::decode(&module)?.0.is_none() {
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .adapter(wasip1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, wasip1::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
        .encode()?;
    fs::write(out, component).with_context(|| out.display().to_string())
}
