//! What is active, and how it came to be.

use jiff::Timestamp;
use serde::Deserialize;

use crate::html::Html;
use crate::{list, time};

/// What is active at a worker, as it tells at `/api/generations`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Generations {
    /// The number of the present generation.
    pub generation: u64,
    /// Its digest.
    pub digest: String,
    /// Which version each function has.
    #[serde(default)]
    pub functions: Vec<Entry>,
    /// The last lines of the activation log, the newest first.
    #[serde(default)]
    pub history: Vec<Activation>,
}

/// A function's version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry {
    /// The function's id.
    pub function: String,
    /// The component that it is in.
    pub component: String,
    /// The component's digest.
    pub digest: String,
    /// `host` or `cluster`.
    #[serde(default)]
    pub home: String,
    /// A version that some of its runs are tried with.
    #[serde(default)]
    pub canary: Option<Canary>,
}

/// A version on trial.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Canary {
    /// The component's digest.
    pub digest: String,
    /// How many of a hundred runs begin with it.
    pub percent: f64,
}

/// A line of the activation log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Activation {
    /// When.
    pub at: Timestamp,
    /// Of which function.
    pub function: String,
    /// Which version; none where the function left.
    #[serde(default)]
    pub digest: Option<String>,
    /// How many of a hundred runs begin with it.
    #[serde(default)]
    pub percent: Option<f64>,
    /// Who did it.
    #[serde(default)]
    pub by: String,
    /// Why, in the words of whoever did it.
    #[serde(default)]
    pub why: String,
}

/// A worker, or several with the same registry, and what is active there.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// Which apps.
    pub apps: Vec<String>,
    /// What is active, or why that is not known.
    pub told: Result<Generations, String>,
}

/// The view.
pub fn view(workers: &[Worker]) -> Html {
    let mut html = Html::new();
    if workers.is_empty() {
        html.leaf("p", &[("class", "nothing")], "No worker has registered yet.");
    }
    for worker in workers {
        html.leaf("h2", &[], worker.apps.join(", "));
        match &worker.told {
            Ok(generations) => one(&mut html, generations),
            Err(reason) => {
                html.leaf("p", &[("class", "warning")], reason);
            }
        }
    }
    html
}

fn one(html: &mut Html, told: &Generations) {
    html.element("p", &[], |p| {
        p.text(format_args!("Generation {} is active, ", told.generation));
        p.leaf("code", &[("title", &told.digest)], short(&told.digest)).text(".");
    });
    html.leaf("h3", &[], "Versions");
    let heads = ["Function", "Component", "Version", "-Role", "Canary"];
    let rows = told.functions.len();
    list::table(html, "Versions", &heads, rows, "It has no functions.", |body| {
        for entry in &told.functions {
            body.element("tr", &[], |tr| {
                tr.leaf("th", &[("scope", "row")], &entry.function);
                tr.leaf("td", &[], &entry.component);
                tr.element("td", &[], |td| digest(td, &entry.digest));
                tr.leaf("td", &[("class", "spare")], &entry.home);
                tr.element("td", &[], |td| {
                    if let Some(canary) = &entry.canary {
                        digest(td, &canary.digest);
                        td.text(format_args!(" at {} %", canary.percent));
                    } else {
                        td.text("–");
                    }
                });
            });
        }
    });
    html.leaf("h3", &[], "Activation log");
    let heads = ["At", "Function", "Version", "-Percent", "-By", "Why"];
    let rows = told.history.len();
    list::table(html, "Activation log", &heads, rows, "Nothing was activated yet.", |body| {
        for line in &told.history {
            body.element("tr", &[], |tr| {
                tr.element("td", &[], |td| time::element(td, line.at));
                tr.leaf("td", &[], &line.function);
                tr.element("td", &[], |td| match &line.digest {
                    Some(version) => digest(td, version),
                    None => {
                        td.text("left");
                    }
                });
                let percent = line.percent.map(|p| format!("{p} %")).unwrap_or_default();
                tr.leaf("td", &[("class", "number spare")], percent);
                tr.leaf("td", &[("class", "spare")], &line.by);
                tr.leaf("td", &[], &line.why);
            });
        }
    });
}

fn digest(td: &mut Html, digest: &str) {
    td.leaf("code", &[("title", digest)], short(digest));
}

/// The beginning of a digest, by which people tell versions apart.
fn short(digest: &str) -> &str {
    let bare = digest.rsplit(':').next().unwrap_or(digest);
    bare.get(..12).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = r#"{
        "generation": 7, "digest": "0123456789abcdef0123456789abcdef",
        "functions": [{"function": "f", "component": "c", "digest": "aaaabbbbccccdddd", "home": "host",
            "canary": {"digest": "eeeeffff00001111", "percent": 5, "runs": 3}, "runs": 1}],
        "history": [
            {"at": "2026-11-22T13:00:00Z", "function": "f", "digest": "aaaabbbbccccdddd", "percent": 100,
                "by": "reload", "why": "<new>"},
            {"at": "2026-11-22T12:00:00Z", "function": "g", "by": "reload", "why": ""}]
    }"#;

    #[test]
    fn what_a_worker_tells_is_shown() {
        let told: Generations = serde_json::from_str(TOLD).expect("what a worker tells");
        let html = view(&[Worker { apps: vec!["a".to_owned(), "b".to_owned()], told: Ok(told) }]);
        let html = html.to_string();
        for says in [
            "<h2>a, b</h2>",
            "Generation 7 is active",
            "<code title=\"aaaabbbbccccdddd\">aaaabbbbcccc</code>",
            "eeeeffff0000</code> at 5 %",
            "&lt;new&gt;",
            "<td>left</td>",
        ] {
            assert!(html.contains(says), "{says}\n{html}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(view(&[]).to_string().contains("No worker has registered"));
        let worker = Worker { apps: vec!["a".to_owned()], told: Err("it is <away>".to_owned()) };
        assert!(view(&[worker]).to_string().contains("it is &lt;away&gt;"));
    }
}
