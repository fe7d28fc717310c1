//! Functions: what starts them, where they run, and what forces them there.

use serde::Deserialize;

use crate::html::Html;
use crate::list;
use crate::runs::of_function;

/// A function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// Its id with its app's.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What starts it: names of events and schedules.
    pub triggers: Vec<String>,
    /// What is known of its placement, if a worker told it.
    pub placed: Option<Placed>,
}

/// Where a function runs, as the worker tells it at `/api/functions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Placed {
    /// Its id without its app's.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// The component that it is in.
    pub component: String,
    /// `host` or `cluster`.
    pub home: String,
    /// Which code its runs go on with.
    #[serde(default)]
    pub mode: String,
    /// The imports, or the pin, that keep it off a cluster; empty where nothing does.
    #[serde(default)]
    pub forced_by: Vec<String>,
    /// What its types tell of the events that start it.
    #[serde(default)]
    pub input: Vec<Takes>,
}

/// An event whose type a function names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Takes {
    /// Its name.
    pub event: String,
    /// The members of its data, in the order of the type.
    #[serde(default)]
    pub fields: Vec<String>,
    /// A JSON Schema of its data.
    #[serde(default)]
    pub schema: Option<serde_json::Value>,
}

/// An app with its functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub name: String,
    /// Why its last registration was refused.
    pub error: Option<String>,
    /// Why nothing is known of the placement of its functions.
    pub untold: Option<String>,
    /// Its functions.
    pub functions: Vec<Function>,
}

/// The view. `lists_runs` says whether this page lists runs too.
pub fn view(apps: &[App], base: &str, lists_runs: bool) -> Html {
    let mut html = Html::new();
    if apps.is_empty() {
        let nothing = "No worker has registered its functions yet.";
        html.leaf("p", &[("class", "nothing")], nothing);
    }
    for app in apps {
        html.leaf("h2", &[], &app.name);
        if let Some(error) = &app.error {
            let words = format!("Its last registration was refused: {error}");
            html.leaf("p", &[("class", "error")], words);
        }
        if let Some(untold) = &app.untold {
            html.leaf("p", &[("class", "warning")], untold);
        }
        table(&mut html, app, base, lists_runs);
    }
    html
}

fn table(html: &mut Html, app: &App, base: &str, lists_runs: bool) {
    let heads = ["Function", "-Started by", "Role", "Forced by", "-Component", "-Mode"];
    let caption = format!("Functions of {}", app.name);
    let nothing = "It has no functions.";
    list::table(html, &caption, &heads, app.functions.len(), nothing, |body| {
        for function in &app.functions {
            body.element("tr", &[], |tr| {
                tr.element("th", &[("scope", "row")], |th| {
                    if lists_runs {
                        let href = of_function(base, &function.slug);
                        th.leaf("a", &[("href", &href)], &function.name);
                    } else {
                        th.text(&function.name);
                    }
                    th.leaf("div", &[("class", "soft id")], &function.slug);
                });
                tr.element("td", &[("class", "spare")], |td| {
                    lines(td, &function.triggers);
                    let input = function.placed.iter().flat_map(|placed| &placed.input);
                    input.for_each(|takes| schema(td, takes));
                });
                let untold = Placed { home: "not known".to_owned(), ..Placed::default() };
                let placed = function.placed.as_ref().unwrap_or(&untold);
                tr.leaf("td", &[], &placed.home);
                tr.element("td", &[], |td| {
                    if placed.forced_by.is_empty() && function.placed.is_some() {
                        td.text("nothing");
                    }
                    lines(td, &placed.forced_by);
                });
                tr.leaf("td", &[("class", "spare")], &placed.component);
                tr.leaf("td", &[("class", "spare")], &placed.mode);
            });
        }
    });
}

/// What an event's data looks like, for whoever wants to know.
fn schema(td: &mut Html, takes: &Takes) {
    let Some(schema) = &takes.schema else { return };
    td.element("details", &[("data-key", &takes.event)], |details| {
        details.leaf("summary", &[], format_args!("Schema of {}", takes.event));
        let text = serde_json::to_string_pretty(schema).unwrap_or_default();
        details.leaf("pre", &[("tabindex", "0")], text);
    });
}

fn lines(td: &mut Html, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    td.element("ul", &[("class", "plain")], |ul| {
        for line in lines {
            ul.element("li", &[], |li| {
                li.leaf("code", &[], line);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_shown_with_what_forces_it() {
        let placed: Placed = serde_json::from_str(
            r#"{"id":"f","name":"F","component":"c","home":"host","mode":"pinned",
                "forced_by":["system-bus:shell/run"],"more":1,
                "input":[{"event":"a/<b>","fields":["n"],"schema":{"title":"<i>"}},{"event":"c"}]}"#,
        )
        .expect("what a worker tells");
        let function = |placed| Function {
            slug: "app-<f>".to_owned(),
            name: "F".to_owned(),
            triggers: vec!["a/<b>".to_owned()],
            placed,
        };
        let free = Placed { forced_by: Vec::new(), home: "cluster".to_owned(), ..placed.clone() };
        for (placed, says) in [
            (Some(placed), "<td>host</td><td><ul class=\"plain\"><li><code>system-bus:shell/run"),
            (Some(free.clone()), "Schema of a/&lt;b&gt;</summary><pre tabindex=\"0\">{"),
            (Some(free.clone()), "&quot;&lt;i&gt;&quot;"),
            (Some(free), "<td>cluster</td><td>nothing</td>"),
            (None, "<td>not known</td><td></td>"),
        ] {
            let app =
                App { name: "app".to_owned(), functions: vec![function(placed)], ..App::default() };
            let html = view(&[app], "", true).to_string();
            assert!(html.contains(says), "{says}\n{html}");
            assert!(
                html.contains("href=\"/?function=app-%3Cf%3E\"") && html.contains("a/&lt;b&gt;")
            );
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(view(&[], "", true).to_string().contains("No worker has registered"));
        let app = App {
            name: "a".to_owned(),
            error: Some("bad <cron>".to_owned()),
            untold: Some("The worker does not answer.".to_owned()),
            functions: Vec::new(),
        };
        let html = view(&[app], "", false).to_string();
        for says in ["refused: bad &lt;cron&gt;", "does not answer", "It has no functions."] {
            assert!(html.contains(says), "{html}");
        }
    }
}
