//! The page on the engine stays true: each option has a row, and every test that a row names is there.

use std::fs;
use std::path::{Path, PathBuf};

/// What a function may declare of its flow, by its name on the wire.
const OPTIONS: [&str; 14] = [
    "concurrency",
    "concurrency.fn",
    "throttle",
    "rateLimit",
    "debounce",
    "batchEvents",
    "priority",
    "singleton",
    "idempotency",
    "cancel",
    "timeouts",
    "retries",
    "cron",
    "jitter",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn in_backticks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The rows of the table of options, in cells.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let table = page.lines().skip_while(|line| !line.starts_with("| option |")).skip(2);
    let rows = table.map_while(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.map(|row| row.split(" |").map(str::trim).collect()).collect()
}

/// Whether a text has a test of this name: the nearest attribute before it says so, or it is a property.
fn has_test(text: &str, name: &str) -> bool {
    let Some(at) = text.find(&format!("fn {name}(")) else { return false };
    let before = text[..at].trim_end();
    before.ends_with("#[test]")
}

#[test]
fn every_option_has_its_row() {
    let page = read("docs/engine.md");
    let rows = rows(&page);
    for option in OPTIONS {
        let named = |row: &Vec<&str>| in_backticks(row[0]).any(|name| name == option);
        assert!(rows.iter().any(named), "docs/engine.md has no row for {option}");
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let page = read("docs/engine.md");
    let suite: String = ["flow", "options", "steps"]
        .map(|part| read(&format!("host/tests/suite/surface/{part}.rs")))
        .concat();
    let rows = rows(&page);
    assert!(rows.len() >= 20, "the table has only {} rows", rows.len());
    for row in rows {
        assert_eq!(
            row.len(),
            5,
            "a row has a cell for the option, the server, us, and two for tests: {row:?}"
        );
        assert!(in_backticks(row[3]).next().is_some(), "{} names no test of the machine", row[0]);
        for test in in_backticks(row[3]) {
            let (module, name) = test.split_once("::").expect("a module and a test");
            let text = read(&format!("host/engine/src/machine/tests/{module}.rs"));
            assert!(has_test(&text, name), "there is no test `{test}`");
        }
        for scenario in in_backticks(row[4]) {
            let asked = format!("\"{scenario}\"");
            assert!(suite.contains(&asked), "the suite has no scenario `{scenario}`");
        }
    }
}

#[test]
fn a_test_that_is_not_there_is_not_found() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n    /// Of any.\n    #[test]\n    fn any(x in 1..2) {";
    for (name, there) in [("one", true), ("any", true), ("helper", false), ("gone", false)] {
        assert_eq!(has_test(text, name), there, "{name}");
    }
    let page = "| option | a | b | c | d |\n| --- |\n| `x` | y | z | `t` | |\n\n| other |";
    assert_eq!(rows(page), [["`x`", "y", "z", "`t`", ""]]);
}
