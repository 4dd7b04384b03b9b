//! The module list is the architecture: each module uses only those before it. This test reads the `use` lines.

use std::path::{Path, PathBuf};

/// The layers, lowest first. A module may use its own layer and those before it.
const LAYERS: [&[&str]; 11] = [
    &["model", "number", "charset", "clock", "error", "metrics", "soap"],
    &["config"],
    &["access"],
    &["store"],
    &["directory"],
    &["sources"],
    &["lookup"],
    &["events"],
    &["faces"],
    &["server"],
    &["cli"],
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn a_module_uses_only_the_layers_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let module = module_of(file.strip_prefix(&source).unwrap());
        let Some(own) = layer_of(&module) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in used_modules(line) {
                let layer =
                    layer_of(used).unwrap_or_else(|| panic!("{}:{}: {used} has no layer", file.display(), number + 1));
                if layer > own {
                    wrong.push(format!("{}:{}: {module} uses {used}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_library_has_a_layer() {
    let library = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let without: Vec<&str> = modules.filter(|module| layer_of(module).is_none()).collect();
    assert!(without.is_empty(), "{without:?}");
}

/// The modules named as `crate::NAME` in a line of code.
fn used_modules(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    let names = code.split("crate::").skip(1).filter(|_| !code.trim_start().starts_with("//"));
    names
        .map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

fn module_of(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
