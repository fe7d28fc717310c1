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
    // Guests that need more than the runtime has are tested where it is.
    let (users, others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.starts_with(USES));
    every(&mut code, "for_each_guest", "every guest that needs the runtime alone", &others);
    every(&mut code, "for_each_user", "every guest that uses a capability", &users);
    std::fs::write(out.join("guests.rs"), code).expect("the build folder can be written");
}

/// How the names of guests begin that use a capability.
const USES: &str = "uses_";

/// Writes a macro that calls another one with each of these names.
fn every(code: &mut String, called: &str, what: &str, names: &[String]) {
    writeln!(code, "/// Calls a macro with the name of {what}.").expect("memory");
    writeln!(code, "#[macro_export]\nmacro_rules! {called} {{ ($do:ident) => {{").expect("memory");
    for name in names {
        writeln!(code, "    $do!({name});").expect("memory");
    }
    writeln!(code, "}} }}").expect("memory");
}

/// What takes a while is said; cargo shows a build script's words as warnings only.
fn say(words: &str) {
    println!("cargo::warning={words}");
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
