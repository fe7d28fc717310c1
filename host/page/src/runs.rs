//! Runs, the latest first.

use jiff::Timestamp;

use crate::html::{Html, encoded};
use crate::list::{self, Pages};
use crate::status::Status;
use crate::time;

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The slug of its function.
    pub function: String,
    /// Where it stands.
    pub status: Status,
    /// When it was made.
    pub queued_at: Timestamp,
    /// When its function was called first.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only runs that stand so.
    pub status: Option<Status>,
    /// Only runs of the function with this slug.
    pub function: Option<String>,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// This part of it.
    pub rows: Vec<Row>,
    /// Where the rest is.
    pub pages: Pages,
    /// What it is narrowed to.
    pub filter: Filter,
    /// The slugs that can be asked for.
    pub functions: Vec<String>,
    /// The time of reading: what has not ended has lasted until then.
    pub now: Timestamp,
}

/// The view. `base` stands before every path.
pub fn view(runs: &Runs, base: &str) -> Html {
    let mut html = Html::new();
    let total = runs.pages.total;
    let kept = "Runs are kept for a week after their end.";
    html.leaf(
        "p",
        &[("class", "soft")],
        match total {
            1 => format!("1 run. {kept}"),
            _ => format!("{total} runs. {kept}"),
        },
    );
    filter(&mut html, runs, base);
    let narrowed = runs.filter != Filter::default();
    let nothing = if narrowed {
        "No run is like that. Choose another status or function."
    } else {
        "There is no run yet. Send an event that starts a function."
    };
    rows(&mut html, &runs.rows, runs.now, base, nothing);
    runs.pages.links(&mut html, &format!("{base}/"));
    html
}

/// A table of runs.
pub(crate) fn rows(html: &mut Html, rows: &[Row], now: Timestamp, base: &str, nothing: &str) {
    let heads = ["Function", "Status", "-Run", "-Queued at", "-Waited", "Took"];
    list::table(html, "Runs", &heads, rows.len(), nothing, |body| {
        for row in rows {
            body.element("tr", &[], |tr| {
                let href = format!("{base}/runs/{}", row.id);
                tr.element("th", &[("scope", "row")], |th| {
                    th.leaf("a", &[("href", &href)], &row.function);
                });
                tr.element("td", &[], |td| row.status.mark(td));
                tr.element("td", &[("class", "spare")], |td| {
                    td.leaf("span", &[("class", "id")], &row.id);
                });
                tr.element("td", &[("class", "spare")], |td| time::element(td, row.queued_at));
                let began = row.started_at.or(row.ended_at).unwrap_or(now);
                let waited = time::span(time::between(row.queued_at, began));
                tr.leaf("td", &[("class", "number spare")], waited);
                let took = row.started_at.map(|at| time::between(at, row.ended_at.unwrap_or(now)));
                tr.leaf("td", &[("class", "number")], took.map(time::span).unwrap_or_default());
            });
        }
    });
}

fn filter(html: &mut Html, runs: &Runs, base: &str) {
    let action = format!("{base}/");
    let form = [("method", "get"), ("action", action.as_str()), ("class", "row")];
    html.element("form", &form, |form| {
        form.element("div", &[], |div| {
            div.leaf("label", &[("for", "status")], "Status");
            div.element("select", &[("id", "status"), ("name", "status")], |select| {
                option(select, "", "any", runs.filter.status.is_none());
                for status in Status::ALL {
                    let chosen = runs.filter.status == Some(status);
                    option(select, status.word(), status.word(), chosen);
                }
            });
        });
        form.element("div", &[], |div| {
            div.leaf("label", &[("for", "function")], "Function");
            div.element("select", &[("id", "function"), ("name", "function")], |select| {
                option(select, "", "any", runs.filter.function.is_none());
                for function in &runs.functions {
                    let chosen = runs.filter.function.as_ref() == Some(function);
                    option(select, function, function, chosen);
                }
            });
        });
        form.leaf("button", &[("type", "submit")], "Show");
    });
}

pub(crate) fn option(select: &mut Html, value: &str, words: &str, chosen: bool) {
    let mut attributes = vec![("value", value)];
    if chosen {
        attributes.push(("selected", ""));
    }
    select.leaf("option", &attributes, words);
}

/// The address of the list of one function's runs.
pub(crate) fn of_function(base: &str, slug: &str) -> String {
    format!("{base}/?function={}", encoded(slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: usize) -> Row {
        let queued_at: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        Row {
            id: format!("{at:026}"),
            function: "app-<f>".to_owned(),
            status: Status::Failed,
            queued_at,
            started_at: "2026-11-22T13:00:00.25Z".parse().ok(),
            ended_at: "2026-11-22T13:00:01.25Z".parse().ok(),
        }
    }

    #[test]
    fn a_list_has_a_row_for_each_run_or_says_that_there_is_none() {
        for rows in [0, 1, 50] {
            let pages = Pages { total: rows, ..Pages::default() };
            let runs = Runs { rows: (0..rows).map(row).collect(), pages, ..Runs::default() };
            let html = view(&runs, "").to_string();
            assert_eq!(html.matches("scope=\"row\"").count(), rows);
            assert_eq!(html.contains("There is no run yet"), rows == 0);
            assert_eq!(html.matches("app-&lt;f&gt;</a>").count(), rows);
            assert_eq!(html.matches(">250 ms<").count(), rows);
            assert_eq!(html.matches(">1.00 s<").count(), rows);
        }
    }

    #[test]
    fn the_filter_shows_what_was_chosen() {
        let filter = Filter { status: Some(Status::Failed), function: Some("b".to_owned()) };
        let functions = vec!["a".to_owned(), "b".to_owned()];
        let html = view(&Runs { filter, functions, ..Runs::default() }, "").to_string();
        assert_eq!(html.matches("selected").count(), 2);
        assert!(html.contains("<option value=\"b\" selected=\"\">b"));
        assert!(
            html.contains("No run is like that"),
            "nothing fits, which is not that there is nothing"
        );
    }
}
