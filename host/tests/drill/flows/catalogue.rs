//! The page of all functions, `docs/functions.md`: made of what the components say of themselves, and compared with what the
//! workers serve.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::scene::Scene;
use super::stage::{ROLES, app_of};

/// What stands above the table.
const ABOUT: &str = "# Functions

Every function of the workspace, as its component says; its limits as the server has them. `SYSTEM_BUS_WRITE_PAGES=1 just drill flows` writes this page anew, and the
same drill without the variable fails when it is out of date. Which import forces a function to a host, a worker says too:
`system-bus functions`. What has to be granted, and what happens when something fails, is in the README of each folder of
`functions/`.

| function | component | starts on | role | because of | is granted | retries | limits |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

/// One function.
struct Row {
    id: String,
    component: String,
    triggers: Vec<String>,
    role: String,
    forced_by: Vec<String>,
    grants: Vec<String>,
    retries: u64,
    /// What its declaration says of how often, how many at once and how long, as the server has it.
    limits: Vec<String>,
}

/// Members of a registered function that limit it.
const LIMITS: [&str; 9] = [
    "batchEvents",
    "cancel",
    "concurrency",
    "debounce",
    "priority",
    "rateLimit",
    "singleton",
    "throttle",
    "timeouts",
];

/// In what the page and the workers differ from the components.
pub(super) async fn check(components: &Path, scene: &Scene) -> Vec<String> {
    let (mut rows, limits) = (rows(components), limits(scene).await);
    for row in &mut rows {
        row.limits = limits.get(&row.id).cloned().unwrap_or_default();
    }
    let mut short: Vec<_> = different(&rows, &served(scene));
    let page = render(&rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/functions.md");
    if std::env::var("SYSTEM_BUS_WRITE_PAGES").is_ok_and(|set| set == "1") {
        std::fs::write(&path, &page).expect("written");
    }
    if std::fs::read_to_string(&path).unwrap_or_default() != page {
        let how = "SYSTEM_BUS_WRITE_PAGES=1 just drill flows";
        short.push(format!("docs/functions.md is out of date; `{how}` writes it"));
    }
    short
}

/// The functions of all components, sorted by their ids.
fn rows(components: &Path) -> Vec<Row> {
    let entries = std::fs::read_dir(components).expect("a folder");
    let files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let wasm = files.iter().filter(|path| path.extension().is_some_and(|end| end == "wasm"));
    let mut rows: Vec<_> = wasm.flat_map(|file| rows_of(file)).collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows
}

fn rows_of(file: &Path) -> Vec<Row> {
    let mut inspect = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    let output = inspect.args(["--json", "inspect"]).arg(file).output().expect("it runs");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(answer["ok"], true, "{answer}");
    let report = &answer["result"];
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let cluster =
        report["roles"].as_array().expect("roles").iter().find(|it| it["role"] == "cluster");
    let lacks = cluster.map(|verdict| texts(&verdict["lacks"])).unwrap_or_default();
    let functions = report["functions"].as_array().expect("functions");
    let row = |function: &Value| Row {
        id: function["id"].as_str().expect("an id").to_owned(),
        component: report["name"].as_str().expect("a name").to_owned(),
        triggers: texts(&function["triggers"]),
        role: function["home"].as_str().expect("a role").to_owned(),
        forced_by: lacks.clone(),
        grants: texts(&report["grants"]),
        retries: function["retries"].as_u64().expect("a number"),
        limits: Vec::new(),
    };
    functions.iter().map(row).collect()
}

fn render(rows: &[Row]) -> String {
    let code = |texts: &[String]| {
        // A bar would end the cell.
        let each = texts.iter().map(|text| format!("`{}`", text.replace('|', "\\|")));
        each.collect::<Vec<_>>().join(", ")
    };
    let mut page = ABOUT.to_owned();
    for Row { id, component, triggers, role, forced_by, grants, retries, limits } in rows {
        let (triggers, limits, grants) = (code(triggers), code(limits), grants.join(", "));
        let forced: Vec<_> = forced_by.iter().map(|import| short(import)).collect();
        let forced = code(&forced);
        let line = format!(
            "| `{id}` | {component} | {triggers} | {role} | {forced} | {grants} | {retries} | {limits} |"
        );
        // A cell without anything is one space.
        writeln!(page, "{}", line.replace("|  |", "| |").replace("|  |", "| |")).expect("memory");
    }
    page
}

/// The limits of all functions, by their ids.
async fn limits(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for app in ROLES.map(app_of) {
        let url = format!("{}/v1/apps/{app}/functions", scene.engine());
        let answer = reqwest::get(url).await.expect("an answer");
        let functions: Value = answer.json().await.expect("JSON");
        for function in functions.as_array().expect("functions") {
            let slug = function["id"].as_str().expect("an id");
            let id = slug.strip_prefix(&format!("{app}-")).expect("the app's");
            let config = &function["config"];
            let set = LIMITS.iter().filter(|name| !config[**name].is_null());
            let limits = set.map(|name| format!("{name}: {}", plain(&config[*name])));
            all.insert(id.to_owned(), limits.collect());
        }
    }
    all
}

/// A value of JSON for people.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An import without its version.
fn short(import: &str) -> String {
    import.split('@').next().unwrap_or(import).to_owned()
}

/// What the workers say they serve: role, and the imports that force it, by function. It is what `system-bus functions`
/// prints.
fn served(scene: &Scene) -> BTreeMap<String, (String, Vec<String>)> {
    let mut served = BTreeMap::new();
    for address in scene.addresses() {
        let mut functions = Command::new(env!("CARGO_BIN_EXE_system-bus"));
        functions
            .args(["--json", "functions"])
            .env("SYSTEM_BUS_WORKER", format!("http://{address}"));
        let output = functions.output().expect("it runs");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(answer["ok"], true, "{answer}");
        for function in answer["result"]["functions"].as_array().expect("functions") {
            let text = |member: &str| function[member].as_str().expect("text").to_owned();
            let forced = function["forced_by"].as_array().expect("imports");
            let forced = forced.iter().filter_map(|it| it.as_str().map(str::to_owned));
            served.insert(text("id"), (text("home"), forced.collect()));
        }
    }
    served
}

fn different(rows: &[Row], served: &BTreeMap<String, (String, Vec<String>)>) -> Vec<String> {
    let mut short = Vec::new();
    for row in rows {
        match served.get(&row.id) {
            None => short.push(format!("no worker serves {}", row.id)),
            Some((role, forced)) if (role, forced) != (&row.role, &row.forced_by) => {
                let own = (&row.role, &row.forced_by);
                short.push(format!("{} is served as {role} {forced:?}, and is {own:?}", row.id));
            }
            Some(_) => {}
        }
    }
    short
}
