//! The pages on capabilities stay true: every test that they name is there, every file of grants that they show is one, and
//! every capability has its page.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runtime::placement::Capability;

/// What runtimes of languages import whether they use it or not: no grant, and nothing to promise by itself.
const OF_EVERY_LANGUAGE: [Capability; 5] =
    [Capability::Steps, Capability::Io, Capability::Clocks, Capability::Random, Capability::Cli];

/// Parts of paths that say nothing about which test is meant: where sources are, and modules `tests`, which stand in the file
/// itself or beside it.
const UNNAMED: [&str; 4] = ["src", "main", "lib", "tests"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages, each with its name.
fn pages() -> BTreeMap<String, String> {
    let read = |path: PathBuf| {
        let name = path.strip_prefix(top()).expect("a page").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a page"))
    };
    let folder = fs::read_dir(top().join("docs/capabilities")).expect("pages");
    let single = folder.map(|entry| read(entry.expect("a page").path()));
    single.chain([read(top().join("docs/capabilities.md"))]).collect()
}

/// The page with a row for each requirement, and the number of the last one.
const REQUIREMENTS: &str = "docs/requirements.md";
const LAST_REQUIREMENT: usize = 88;

/// Further pages whose tables name tests.
const OTHERS: [&str; 3] = ["docs/pains.md", REQUIREMENTS, "docs/webhooks.md"];

/// The pages that may say what is not shown yet: `owed: …`, after the tests of what is.
const OWING: [&str; 2] = ["docs/pains.md", REQUIREMENTS];

/// All pages whose tables name tests.
fn pages_with_tests() -> BTreeMap<String, String> {
    let read = |name: &str| {
        let text = fs::read_to_string(top().join(name)).expect("a page");
        (name.to_owned(), text)
    };
    pages().into_iter().chain(OTHERS.map(read)).collect()
}

/// The pages of functions, which show what they have to be granted.
fn pages_of_functions() -> BTreeMap<String, String> {
    let folders = fs::read_dir(top().join("functions/bus")).expect("functions");
    let page = |folder: PathBuf| {
        let path = folder.join("README.md");
        let text =
            fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is not there", path.display()));
        (path.strip_prefix(top()).expect("a page").to_string_lossy().into_owned(), text)
    };
    folders.map(|folder| page(folder.expect("a folder").path())).collect()
}

/// A file of sources: the modules that lead to it, and the names of the tests in it.
struct Source {
    path: PathBuf,
    modules: Vec<String>,
    tests: Vec<String>,
}

/// Every file of Rust below these folders.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![top().join("host"), top().join("sdk"), top().join("functions")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(source(path));
            }
        }
    }
    found
}

fn source(path: PathBuf) -> Source {
    let within = path.strip_prefix(top()).expect("a source").with_extension("");
    let modules = within.iter().map(|part| part.to_string_lossy().into_owned());
    let modules = modules.filter(|part| !UNNAMED.contains(&part.as_str()));
    let text = fs::read_to_string(&path).expect("text");
    Source { modules: modules.collect(), tests: tests(&text), path }
}

/// The functions after an attribute that makes them tests.
fn tests(text: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let attributes = ["#[test]", "#[tokio::test", "#[system_bus_sdk::test"];
        if attributes.iter().any(|attribute| line.starts_with(attribute)) {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ")
            && is_test
        {
            tests.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
            is_test = false;
        }
    }
    tests
}

impl Source {
    /// Whether this is what a page means: a test by its name with any of the modules that lead to it, or all tests of a
    /// module.
    fn is_meant_by(&self, words: &str) -> bool {
        if words.contains('/') || words.contains('.') {
            return self.path.ends_with(words);
        }
        let all: Vec<&str> = words.split("::").collect();
        let (name, before) = all.split_last().expect("at least one");
        let ends = |with: &[&str]| {
            let with: Vec<_> = with.iter().filter(|part| !UNNAMED.contains(part)).collect();
            let at = self.modules.len().checked_sub(with.len());
            at.is_some_and(|at| self.modules[at..].iter().eq(with))
        };
        let is_test = self.tests.iter().any(|test| test == name) && ends(before);
        is_test || (!self.tests.is_empty() && ends(&all))
    }
}

/// The last cells of the tables that name tests, without the heads of those.
fn named_tests(page: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut of_tests = false;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            of_tests = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap_or_default().trim();
        if last.eq_ignore_ascii_case("test") {
            of_tests = true;
        } else if of_tests && !last.starts_with("--") {
            cells.push(last);
        }
    }
    cells
}

/// The requirements that have a row, in the order of the page.
fn requirements(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|'));
    let first = rows.filter_map(|row| row.split('|').next()).map(str::trim);
    first.filter(|cell| cell.strip_prefix('R').is_some_and(|rest| !rest.is_empty())).collect()
}

/// What is wrong with the rows of a page that should have one for each requirement up to the last, in order.
fn misplaced(page: &str, last: usize) -> Option<String> {
    let expected: Vec<_> = (1..=last).map(|number| format!("R{number}")).collect();
    let found = requirements(page);
    let wanted = |at| expected.get(at).map_or("nothing", String::as_str);
    let there = |at| found.get(at).copied().unwrap_or("nothing");
    let at = (0..expected.len().max(found.len())).find(|&at| there(at) != wanted(at))?;
    Some(format!("{} where {} should be", there(at), wanted(at)))
}

/// What a cell says before what is owed, and whether something is.
fn divided(cell: &str) -> (&str, bool) {
    cell.split_once("owed:").map_or((cell, false), |(shown, _)| (shown, true))
}

fn in_backticks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    let sources = sources();
    let mut wrong = Vec::new();
    let mut found = 0;
    for (page, text) in pages_with_tests() {
        for cell in named_tests(&text) {
            let (shown, owed) = divided(cell);
            if in_backticks(shown).next().is_none() && !(owed && OWING.contains(&page.as_str())) {
                wrong.push(format!("{page}: {cell:?} names no test"));
            }
            for words in in_backticks(shown) {
                if sources.iter().any(|source| source.is_meant_by(words)) {
                    found += 1;
                } else {
                    wrong.push(format!("{page}: there is no test `{words}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 100, "only {found} tests are named");
}

#[test]
fn a_test_that_is_not_there_is_not_found() {
    let source = Source {
        path: "host/capabilities/src/http/path.rs".into(),
        modules: ["host", "capabilities", "http", "path"].map(str::to_owned).to_vec(),
        tests: tests(
            "#[test]\nfn paths() {\n}\nfn helper() {\n}\n#[tokio::test]\nasync fn later() {",
        ),
    };
    for (words, meant) in [
        ("paths", true),
        ("later", true),
        ("http::path::paths", true),
        ("path::tests::paths", true),
        ("http::path", true),
        ("http::path::tests", true),
        ("http/path.rs", true),
        ("helper", false),
        ("redis::path::paths", false),
        ("path::gone", false),
        ("http", false),
        ("redis/path.rs", false),
    ] {
        assert_eq!(source.is_meant_by(words), meant, "{words}");
    }
    let page = "| promise | test |\n| --- | --- |\n| a | `b`, `c` |\n\n| key | |\n| `d` | e |\n";
    assert_eq!(named_tests(page), ["`b`, `c`"]);
    assert_eq!(divided("`b`; owed: `c`"), ("`b`; ", true));
    assert_eq!(divided("`b`"), ("`b`", false));
    assert_eq!(in_backticks("`b`, `c`").collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn every_requirement_has_one_row_in_order() {
    let page = fs::read_to_string(top().join(REQUIREMENTS)).expect("a page");
    assert_eq!(misplaced(&page, LAST_REQUIREMENT), None);
    // Rows whose tables end with another column would be looked at by nobody.
    assert_eq!(named_tests(&page).len(), LAST_REQUIREMENT);
}

#[test]
fn requirements_that_are_missing_twice_or_out_of_order_are_found() {
    for (rows, says) in [
        (&["R1", "R2", "R3"][..], None),
        (&[], Some("nothing where R1 should be")),
        (&["R1", "R2"], Some("nothing where R3 should be")),
        (&["R1", "R3"], Some("R3 where R2 should be")),
        (&["R1", "R2", "R2", "R3"], Some("R2 where R3 should be")),
        (&["R2", "R1", "R3"], Some("R2 where R1 should be")),
        (&["R1", "R2", "R3", "R4"], Some("R4 where nothing should be")),
        (&["R1", "R02", "R3"], Some("R02 where R2 should be")),
    ] {
        // Several tables are one list, and neither their heads nor what stands around them counts.
        let head = "\n## More, as R9\n\n| R | what | how | test |\n| --- | --- | --- | --- |\n";
        let tables = rows.iter().map(|row| format!("{head}| {row} | asked | met | `a` |\n"));
        let page = tables.collect::<Vec<_>>().concat();
        assert_eq!(misplaced(&page, 3).as_deref(), says, "{page}");
    }
}

#[test]
fn every_file_of_grants_that_is_shown_is_one() {
    let (mut shown, mut wrong) = (0, Vec::new());
    for (page, text) in pages().into_iter().chain(pages_of_functions()) {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().expect("a block");
            if let Err(error) = capabilities::grants::parse(block) {
                wrong.push(format!("{page}:\n{block}\n{error}"));
            }
            shown += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown >= 8, "only {shown} files of grants are shown");
}

#[test]
fn every_capability_has_its_page() {
    let pages = pages();
    let overview = &pages["docs/capabilities.md"];
    for capability in Capability::ALL {
        if OF_EVERY_LANGUAGE.contains(&capability) {
            continue;
        }
        let mut rows = overview.lines();
        let row = rows.find(|row| row.starts_with(&format!("| `{capability}`")));
        let row = row.unwrap_or_else(|| panic!("docs/capabilities.md has no row for {capability}"));
        let page = row.split_once("](").and_then(|(_, rest)| rest.split_once(')'));
        let (page, _) = page.unwrap_or_else(|| panic!("no page in {row}"));
        assert!(pages.contains_key(&format!("docs/{page}")), "{capability}: no page {page}");
    }
}
