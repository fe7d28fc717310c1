use serde_json::{Value, json};

use super::*;

fn package(name: &str, folder: &str, kind: &str, uses: &[(&str, Option<&str>)]) -> Value {
    let dependencies: Vec<_> =
        uses.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
    json!({
        "id": name, "name": name, "source": null, "manifest_path": format!("{folder}/Cargo.toml"),
        "targets": [{ "kind": [kind], "crate_types": [kind] }], "dependencies": dependencies,
    })
}

/// Two components, one of which shares a library; the SDK lies outside, and a package within the other component.
fn project() -> Project {
    let serde = json!({
        "id": "serde", "name": "serde", "source": "registry", "manifest_path": "/home/serde/Cargo.toml",
        "targets": [], "dependencies": [],
    });
    let packages = [
        package("orders", "/w/functions/orders", "cdylib", &[(SDK, None), ("shared", None)]),
        package("mails", "/w/functions/mails", "cdylib", &[(SDK, None), ("shared", Some("dev"))]),
        package("inner", "/w/functions/mails/inner", "lib", &[]),
        package("shared", "/w/shared", "lib", &[("words", Some("build"))]),
        package("words", "/w/words", "lib", &[]),
        package("plugin", "/w/plugin", "cdylib", &[("serde", None)]),
        package("hidden", "/w/.cache/hidden", "cdylib", &[(SDK, None)]),
        package(SDK, "/sdk", "lib", &[("macros", None)]),
        package("macros", "/sdk/macros", "proc-macro", &[]),
        serde,
    ];
    let members = ["orders", "mails", "inner", "shared", "words", "plugin", "hidden"];
    let metadata = json!({
        "packages": packages, "workspace_members": members, "workspace_root": "/w",
        "target_directory": "/w/target",
        "metadata": { "other": {}, "system-bus": { "on-request": ["functions/mails"] } },
    });
    Project::new(serde_json::from_value(metadata).expect("metadata"), false)
}

#[test]
fn a_component_is_a_library_for_components_that_is_written_with_the_sdk() {
    let project = project();
    let names = |folder: &str| {
        let found = project.components_below(folder.as_ref());
        found.map(|package| package.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("/w"), ["hidden", "mails", "orders"]);
    assert_eq!(names("/w/functions/orders"), ["orders"]);
    assert_eq!(names("/w/plugin"), [""; 0]);
}

#[test]
fn what_is_built_on_request_is_named_itself_or_by_what_lies_in_it() {
    let project = project();
    assert_eq!(project.meant(Which::Functions), ["orders"]);
    let mails = &project.packages["mails"];
    for (folder, goes) in [
        ("/w", false),
        ("/w/functions", false),
        ("/w/functions/orders", false),
        ("/w/functions/mails", true),
        ("/w/functions/mails/src", true),
    ] {
        assert_eq!(project.goes_with(folder.as_ref(), mails), goes, "{folder}");
    }
    assert!(project.goes_with("/w/functions".as_ref(), &project.packages["orders"]));
}

#[test]
fn a_file_belongs_to_the_nearest_package_and_to_all_who_use_it() {
    let project = project();
    for (path, expected) in [
        ("/w/functions/orders/src/lib.rs", "orders"),
        ("/w/functions/orders/events/paid.json", "orders"),
        ("/w/functions/mails/src/deep/down.rs", "mails"),
        // Nobody uses it, though it lies in the folder of a component.
        ("/w/functions/mails/inner/src/lib.rs", ""),
        // The tests of one, and the code of the other.
        ("/w/shared/src/lib.rs", "orders"),
        ("/w/words/src/lib.rs", "orders"),
        ("/sdk/src/step.rs", "hidden mails orders"),
        ("/sdk/macros/src/lib.rs", "hidden mails orders"),
        ("/w/plugin/src/lib.rs", ""),
        // What a folder above is called hides nothing.
        ("/w/.cache/hidden/src/lib.rs", "hidden"),
        ("/w/.cache/hidden/.git/index", ""),
        ("/elsewhere/lib.rs", ""),
        ("/w/README.md", ""),
        ("/w/target/debug/build/x/out/lib.rs", ""),
        ("/w/functions/orders/src/.lib.rs.swp", ""),
        ("/w/functions/orders/src/lib.rs~", ""),
        ("/w/functions/orders/.git/index", ""),
        ("/w/functions/orders/src/4913", ""),
        ("/w/functions/orders/Cargo.toml", "shape"),
        ("/sdk/Cargo.toml", "shape"),
        ("/sdk/Cargo.lock", ""),
        ("/w/Cargo.lock", "shape"),
        ("/w/rust-toolchain.toml", "shape"),
    ] {
        let expected = match expected {
            "" => Affected::Nothing,
            "shape" => Affected::Shape,
            names => Affected::Components(names.split(' ').map(str::to_owned).collect()),
        };
        // Outside of the project a lock file decides nothing; it is a file of that package like any other.
        let expected = if path == "/sdk/Cargo.lock" {
            Affected::Components(["hidden", "mails", "orders"].map(str::to_owned).into())
        } else {
            expected
        };
        assert_eq!(project.affected(path.as_ref()), expected, "{path}");
    }
}

#[test]
fn the_folders_to_watch_are_those_of_everything_a_component_is_made_of() {
    let project = project();
    let folders = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let folders = project.folders_of(&names).into_iter();
        folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>()
    };
    let all = ["/sdk", "/sdk/macros", "/w/functions/orders", "/w/shared", "/w/words"];
    assert_eq!(folders(&["orders"]), all);
    assert_eq!(folders(&["mails"]), ["/sdk", "/sdk/macros", "/w/functions/mails"]);
}

#[test]
fn a_real_package_is_read_through_cargo() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Project::read(folder.path()).expect_err("no manifest");
    assert!(missing.to_string().contains("could not find `Cargo.toml`"), "{missing}");
    let manifest = "[package]\nname = \"alone\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
        [profile.function]\ninherits = \"release\"\n\n[workspace]\n";
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("written");
    std::fs::create_dir(folder.path().join("src")).expect("a folder");
    std::fs::write(folder.path().join("src/lib.rs"), "").expect("written");
    let project = Project::read(folder.path()).expect("a package");
    assert!(project.has_function_profile);
    let alone = &project.packages["alone"];
    assert_eq!(alone.folder, folder.path().canonicalize().expect("it is there"));
    assert!(!alone.component, "it is not written with the SDK");
}
