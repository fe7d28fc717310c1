use protocol::function::Manifest;

use super::*;

/// Functions as a manifest declares them, all on one role.
fn functions(members: &[&str]) -> Vec<FunctionConfig> {
    let all: Vec<_> = members
        .iter()
        .map(|members| {
            let triggers = r#""triggers":[{"event":"a/b"}]"#;
            format!("{{{triggers},{members}}}")
        })
        .collect();
    let json = format!(r#"{{"functions":[{}]}}"#, all.join(","));
    Manifest::parse(&json).expect("a manifest").functions
}

fn compared(old: &[&str], new: &[&str], homes: [Role; 2]) -> Vec<Change> {
    let (old, new) = (functions(old), functions(new));
    let [was, is] = homes;
    let old: Vec<_> = old.iter().map(|config| Placed { config, home: was }).collect();
    let new: Vec<_> = new.iter().map(|config| Placed { config, home: is }).collect();
    compare(&old, &new)
}

/// A table of steps from words: `id`, `id*` for one with a key, `id~` for a sleep, `id=former` for one with an alias.
fn table(words: &str) -> String {
    let steps: Vec<_> = words
        .split_whitespace()
        .map(|word| {
            let (name, alias) = word.split_once('=').map_or((word, None), |(n, a)| (n, Some(a)));
            let kind = if name.ends_with('~') { "sleep" } else { "run" };
            let keyed = if name.ends_with('*') { r#","keyed":true"# } else { "" };
            let alias = alias.map(|alias| format!(r#","alias":"{alias}""#)).unwrap_or_default();
            let id = name.trim_end_matches(['~', '*']);
            format!(r#"{{"id":"{id}","kind":"{kind}"{keyed}{alias}}}"#)
        })
        .collect();
    format!(r#""id":"f","steps":[{}]"#, steps.join(","))
}

fn said(what: &Difference) -> String {
    match what {
        Difference::StepAdded { step } => format!("+{step}"),
        Difference::StepRemoved { step } => format!("-{step}"),
        Difference::StepRenamed { from, to, aliased } => {
            format!("{from}{}{to}", if *aliased { "=" } else { ">" })
        }
        Difference::StepRetyped { step } => format!("!{step}"),
        Difference::StepReordered { step } => format!("%{step}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn step_tables_are_told_apart() {
    for (old, new, expected, hurts) in [
        ("a b c", "a b c", "", false),
        ("a b c", "a b c d", "+d", false),
        ("a b c", "a c", "-b", true),
        ("a b c", "a bee c", "b>bee", true),
        ("a b c", "a bee=b c", "b=bee", false),
        ("a b c", "x y c", "a>x b>y", true),
        ("a b c", "a b~ c", "!b", true),
        ("a b c", "a b* c", "!b", true),
        // Of another kind, it is no new name of the old one.
        ("a b c", "a z~ c", "+z -b", true),
        ("a b c", "a z~=b c", "!z", true),
        ("a b c", "b c a", "%a", true),
        ("a b", "a new b", "+new", false),
        // An alias finds its step wherever that was.
        ("a b c", "a c x=b", "b=x", false),
        // A component that tells no steps says nothing.
        ("a b", "", "", false),
        ("", "a b", "", false),
    ] {
        let homes = [Role::Cluster; 2];
        let changes = compared(&[&table(old)], &[&table(new)], homes);
        let words: Vec<_> = changes.iter().map(|change| said(&change.what)).collect();
        assert_eq!(words.join(" "), expected, "{old} → {new}");
        assert_eq!(changes.iter().any(Change::hurts), hurts, "{old} → {new}");
    }
}

#[test]
fn functions_come_go_and_move() {
    let here = [Role::Cluster; 2];
    let changes = compared(&[r#""id":"a""#, r#""id":"b""#], &[r#""id":"b""#, r#""id":"c""#], here);
    let told: Vec<_> = changes.iter().map(|c| (c.to_string(), c.hurts())).collect();
    assert_eq!(
        told,
        [
            ("a: it is gone from cluster; keep it until its runs are done".to_owned(), true),
            ("c: it is new, on cluster".to_owned(), false)
        ]
    );
    let moved = compared(&[r#""id":"a""#], &[r#""id":"a""#], [Role::Cluster, Role::Host]);
    assert_eq!(moved.len(), 1);
    assert!(moved[0].hurts() && moved[0].to_string().contains("from cluster to host"));
}

#[test]
fn configurations_and_inputs_are_compared_member_by_member() {
    let old =
        r#""id":"f","retries":3,"mode":"pinned","input":[{"event":"a/b","fields":["x","y"]}]"#;
    let new = r#""id":"f","retries":4,"priority":"event.data.p","input":[{"event":"a/b","fields":["y","z"]},{"event":"c/d"}]"#;
    let changes = compared(&[old], &[new], [Role::Host; 2]);
    let sentences: Vec<_> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "f: its configuration changes: retries, priority, mode",
            "f: of event \"a/b\" it would read z and would no longer read x"
        ]
    );
    assert!(!changes.iter().any(Change::hurts));
    assert_eq!(compared(&[old], &[old], [Role::Host; 2]), []);
}

#[test]
fn a_rename_without_an_alias_says_what_to_write() {
    let changes = compared(&[&table("charge")], &[&table("charge-card")], [Role::Host; 2]);
    assert!(changes[0].to_string().contains(".alias(\"charge\")"), "{}", changes[0]);
}
