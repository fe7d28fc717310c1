//! Components made by hand, as no toolchain at hand makes them.

use std::time::{Duration, Instant};

use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentExternName,
    ComponentImportSection, ComponentTypeRef, ComponentTypeSection, CustomSection, InstanceType,
    Module, ModuleSection, PrimitiveValType, TypeBounds,
};

use super::super::*;

const ENTRY: &str = "system-bus:durable/entry@0.1.0";

/// A component with these imports, something inside, and the export that workers look for.
fn component(imports: &ComponentImportSection, inside: &Module) -> Component {
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    types.defined_type().primitive(PrimitiveValType::U8);
    types.function().params([("a", PrimitiveValType::U8)]).result(None);
    let mut exports = ComponentExportSection::new();
    exports.export(ENTRY, ComponentExportKind::Instance, 0, None);
    let mut component = Component::new();
    component.section(&types).section(imports).section(&ModuleSection(inside)).section(&exports);
    component
}

fn importing(names: &[ComponentExternName<'_>]) -> Vec<u8> {
    let mut imports = ComponentImportSection::new();
    for name in names {
        imports.import(name.clone(), ComponentTypeRef::Instance(0));
    }
    component(&imports, &Module::new()).finish()
}

fn extern_name<'a>(
    name: &'a str,
    implements: Option<&'a str>,
    suffix: Option<&'a str>,
) -> ComponentExternName<'a> {
    ComponentExternName {
        name: name.into(),
        implements: implements.map(Into::into),
        version_suffix: suffix.map(Into::into),
        external_id: None,
    }
}

fn plain(name: &str) -> ComponentExternName<'_> {
    extern_name(name, None, None)
}

#[test]
fn imports_come_in_the_order_of_the_component() {
    let bytes = importing(&[plain("wasi:io/poll@0.2.6"), plain("wasi:io/error@0.2.6")]);
    let names: Vec<_> =
        decode(&bytes).expect("a component").iter().map(ToString::to_string).collect();
    assert_eq!(names, ["wasi:io/poll@0.2.6", "wasi:io/error@0.2.6"]);
}

#[test]
fn a_label_in_the_bytes_does_not_hide_the_interface() {
    let bytes = importing(&[extern_name("cache", Some("wasi:filesystem/types@0.2.6"), None)]);
    let imports = decode(&bytes).expect("a component");
    assert_eq!(imports, [Import::labelled("cache", "wasi:filesystem/types@0.2.6")]);
}

#[test]
fn the_short_form_of_versions_is_read_too() {
    let bytes = importing(&[extern_name("wasi:io/poll@0.2", None, Some(".6"))]);
    let imports = decode(&bytes).expect("a component");
    assert_eq!(imports, [Import::named("wasi:io/poll@0.2.6")]);
}

#[test]
fn what_is_imported_by_itself_is_no_interface_but_a_name_for_a_type_is_nothing() {
    let mut imports = ComponentImportSection::new();
    imports.import("byte", ComponentTypeRef::Type(TypeBounds::Eq(1)));
    imports.import("now", ComponentTypeRef::Func(2));
    imports.import("thing", ComponentTypeRef::Type(TypeBounds::SubResource));
    // A function may be named like an interface; it is none.
    imports.import("wasi:io/poll@0.2.6", ComponentTypeRef::Func(2));
    let found = decode(&component(&imports, &Module::new()).finish()).expect("a component");
    let names: Vec<_> = found.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["now", "thing", "wasi:io/poll@0.2.6"]);
    assert!(found.iter().all(|import| import.interface.is_none()));
}

#[test]
fn imports_of_what_is_inside_are_not_the_components_own() {
    let mut inner = ComponentImportSection::new();
    inner.import("wasi:filesystem/types@0.2.6", ComponentTypeRef::Instance(0));
    let inner = component(&inner, &Module::new());
    let mut outer = component(&ComponentImportSection::new(), &Module::new());
    outer.section(&wasm_encoder::NestedComponentSection(&inner));
    assert_eq!(decode(&outer.finish()), Ok(Vec::new()));
}

#[test]
fn a_file_that_ends_too_early_is_told_apart_wherever_it_ends() {
    let mut module = Module::new();
    module.section(&CustomSection { name: "filling".into(), data: vec![0; 300].into() });
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:io/poll@0.2.6", ComponentTypeRef::Instance(0));
    let whole = component(&imports, &module).finish();
    assert!(decode(&whole).is_ok());
    let mut between = 0;
    for size in 0..whole.len() {
        let error = decode(&whole[..size]).expect_err("not all of it");
        assert!(error.may_be_incomplete(), "{size}: {error}");
        match error {
            DecodeError::Truncated { size: told } => assert_eq!(told, size),
            // Cut off between two sections: what is there is whole, and something is missing.
            _ => between += 1,
        }
    }
    assert_eq!(between, 4, "after the header and after each section but the last");
}

#[test]
fn no_byte_that_is_changed_makes_reading_fail_without_an_answer() {
    let whole = importing(&[plain("wasi:io/poll@0.2.6"), extern_name("a", Some("b:c/d"), None)]);
    let (mut read, mut refused) = (0, 0);
    for at in 0..whole.len() {
        for value in [0, 1, 2, 0x0d, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            match decode(&bytes) {
                // What could be read can be judged.
                Ok(imports) => read += usize::from(judge(imports).is_err()),
                Err(error) => refused += usize::from(!error.to_string().is_empty()),
            }
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}

#[test]
fn what_is_no_component_is_named_for_what_it_is() {
    let mut wit = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut exports = ComponentExportSection::new();
    exports.export("a", ComponentExportKind::Type, 0, None);
    wit.section(&types).section(&exports);
    let mut other = Component::new();
    other.section(&ModuleSection(&Module::new()));
    let mut broken = importing(&[]);
    broken.extend([99, 0]);
    for (bytes, error) in [
        (Module::new().finish(), "core module"),
        (wit.finish(), "WIT interfaces and no code"),
        (other.finish(), "does not export system-bus:durable/entry"),
        (b"#!/bin/sh\nexit".to_vec(), "not WebAssembly"),
        (b"\0asn".to_vec(), "not WebAssembly"),
        (broken, "breaks the format"),
        (importing(&[plain("a:b/c@1.0.0"), plain("a:b/c@1.0.0")]), "imports \"a:b/c@1.0.0\" twice"),
    ] {
        let said = decode(&bytes).expect_err(error).to_string();
        assert!(said.contains(error), "{said}");
    }
}

#[test]
fn absurd_sizes_and_counts_are_refused() {
    let names: Vec<_> = (0..=IMPORTS).map(|n| format!("a:b/c{n}@1.0.0")).collect();
    let names: Vec<_> = names.iter().map(|name| plain(name)).collect();
    assert_eq!(decode(&importing(&names[1..])).map(|imports| imports.len()), Ok(IMPORTS));
    let long = format!("a:b/{}", "c".repeat(LONGEST_NAME));
    let mut sections = component(&ComponentImportSection::new(), &Module::new());
    for _ in 0..SECTIONS {
        sections.section(&CustomSection { name: "".into(), data: (&[]).into() });
    }
    for (bytes, what) in [
        (importing(&names), "1000 imports"),
        (importing(&[plain(&long)]), "256 bytes in the name of an import"),
        (importing(&[extern_name("a", Some(&long), None)]), "256 bytes in the name of an import"),
        (sections.finish(), "100000 sections"),
        (vec![0; LARGEST + 1], "134217728 bytes"),
    ] {
        let said = decode(&bytes).expect_err(what).to_string();
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn code_is_stepped_over_so_that_size_costs_nothing() {
    let mut module = Module::new();
    module.section(&CustomSection { name: "code".into(), data: vec![0; 5 << 20].into() });
    let mut imports = ComponentImportSection::new();
    for n in 0..30 {
        imports.import(format!("wasi:io/poll{n}@0.2.6").as_str(), ComponentTypeRef::Instance(0));
    }
    let bytes = component(&imports, &module).finish();
    let began = Instant::now();
    let decoded = decode(&bytes).expect("a component");
    let refused = judge(decoded).expect_err("all are misspelt").0.len();
    let took = began.elapsed();
    assert_eq!(refused, 30);
    // It is meant to take less than 5 ms. Reading all of it here, without optimization, would take many times this.
    assert!(took < Duration::from_secs(1), "{took:?}");
}
