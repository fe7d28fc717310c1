//! Builds the guests of `functions/testing` and writes down where they are.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where"));
    let workspace = here.ancestors().nth(3).expect("three levels below the workspace");
    for source in ["functions/testing", "sdk", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    let placed = builder::build(workspace, builder::Which::Guests, &out.join("guests"), say)
        .unwrap_or_else(|error| panic!("the test guests: {error}"));

    let mut code = String::new();
    let mut names = Vec::new();
    for guest in placed {
        let name = stem(&guest.path).replace('-', "_");
        let path = guest.path.display();
        writeln!(code, "/// The component of `guests/{name}.rs`.").expect("memory");
        writeln!(code, "pub const {}: &str = {:?};", name.to_uppercase(), path.to_string())
            .expect("memory");
        names.push(name);
    }
    writeln!(code, "/// Calls a macro with the name of every guest.").expect("memory");
    writeln!(code, "#[macro_export]\nmacro_rules! for_each_guest {{ ($do:ident) => {{")
        .expect("memory");
    for name in names {
        writeln!(code, "    $do!({name});").expect("memory");
    }
    writeln!(code, "}} }}").expect("memory");
    std::fs::write(out.join("guests.rs"), code).expect("the build folder can be written");
}

/// What takes a while is said; cargo shows a build script's words as warnings only.
fn say(words: &str) {
    println!("cargo::warning={words}");
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
