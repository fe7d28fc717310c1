//! One run, with its timeline.

mod more;
mod timeline;

use jiff::Timestamp;

use crate::document::seal;
use crate::html::Html;
use crate::runs::{Row, of_function};
use crate::time;

use more::Place;

pub use more::{Line, More};
pub use timeline::{Outcome, Span};

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What the list shows of it.
    pub row: Row,
    /// The ids and names of the events that started it.
    pub events: Vec<(String, String)>,
    /// The schedule that started it.
    pub cron: Option<String>,
    /// The result, or the failure, as JSON.
    pub output: Option<String>,
    /// What happened in it, in the order in which it was known.
    pub spans: Vec<Span>,
    /// What the function logged outside of its steps, or in one that the timeline does not have.
    pub outside: Vec<Line>,
    /// What is to be said of what was logged: it is not known, or not all of it is there.
    pub notes: Vec<String>,
    /// The time of reading.
    pub now: Timestamp,
}

/// The view. With a token it has the forms that change something.
pub fn view(run: &Run, base: &str, token: Option<&str>) -> Html {
    let mut html = Html::new();
    facts(&mut html, run, base);
    if let Some(token) = token {
        actions(&mut html, run, base, token);
    }
    html.leaf("h2", &[], "Timeline");
    let from = run.row.queued_at;
    let place = Place { base, run: &run.row.id, token };
    let to = run.row.ended_at.unwrap_or(run.now);
    timeline::show(&mut html, &run.spans, from..to, run.now, place);
    if !run.outside.is_empty() {
        html.leaf("h2", &[], "Logged between the steps");
        more::lines(&mut html, &run.outside);
    }
    for note in &run.notes {
        html.leaf("p", &[("class", "soft")], note);
    }
    if let Some(output) = &run.output {
        html.leaf("h2", &[], if run.row.status.word() == "failed" { "Failure" } else { "Result" });
        html.leaf("pre", &[("tabindex", "0")], pretty(output));
    }
    html
}

fn facts(html: &mut Html, run: &Run, base: &str) {
    let row = &run.row;
    html.element("dl", &[("class", "facts")], |dl| {
        dl.leaf("dt", &[], "Status").element("dd", &[], |dd| row.status.mark(dd));
        dl.leaf("dt", &[], "Function").element("dd", &[], |dd| {
            dd.leaf("a", &[("href", &of_function(base, &row.function))], &row.function);
        });
        dl.leaf("dt", &[], "Run").leaf("dd", &[("class", "id")], &row.id);
        dl.leaf("dt", &[], "Started by").element("dd", &[], |dd| {
            if let Some(cron) = &run.cron {
                dd.text("the schedule ").leaf("code", &[], cron).text(" ");
            }
            for (id, name) in &run.events {
                dd.leaf("a", &[("href", &format!("{base}/events/{id}"))], name).text(" ");
            }
        });
        for (name, at) in
            [("Queued", Some(row.queued_at)), ("Began", row.started_at), ("Ended", row.ended_at)]
        {
            if let Some(at) = at {
                dl.leaf("dt", &[], name).element("dd", &[], |dd| time::element(dd, at));
            }
        }
    });
}

fn actions(html: &mut Html, run: &Run, base: &str, token: &str) {
    html.element("div", &[("class", "row")], |div| {
        let action = format!("{base}/runs/{}/rerun", run.row.id);
        div.element("form", &[("method", "post"), ("action", &action)], |form| {
            seal(form, token);
            form.leaf("button", &[("type", "submit")], "Run again");
        });
        if !run.row.status.is_final() {
            let action = format!("{base}/runs/{}/cancel", run.row.id);
            let question = "Cancel this run? It cannot be taken back.";
            let form =
                [("method", "post"), ("action", action.as_str()), ("data-confirm", question)];
            div.element("form", &form, |form| {
                seal(form, token);
                form.leaf("button", &[("type", "submit"), ("class", "grave")], "Cancel");
            });
        }
    });
}

/// JSON with its members on lines of their own; as it is, if it is none.
pub(crate) fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    value
        .ok()
        .and_then(|v| serde_json::to_string_pretty(&v).ok())
        .unwrap_or_else(|| json.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    fn run(status: Status) -> Run {
        let queued_at: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let id = "01M81GXWDSDGCZ96C9KR1PCRGG".to_owned();
        let row = Row {
            id,
            function: "app-f".to_owned(),
            status,
            queued_at,
            started_at: None,
            ended_at: None,
        };
        Run {
            row,
            events: vec![("E1".to_owned(), "shop/<order>".to_owned())],
            cron: None,
            output: None,
            spans: Vec::new(),
            outside: Vec::new(),
            notes: Vec::new(),
            now: queued_at,
        }
    }

    #[test]
    fn what_can_be_done_depends_on_the_run_and_on_who_looks() {
        for (status, token, again, cancel) in [
            (Status::Running, Some("t"), true, true),
            (Status::Queued, Some("t"), true, true),
            (Status::Completed, Some("t"), true, false),
            (Status::Running, None, false, false),
        ] {
            let html = view(&run(status), "", token).to_string();
            assert_eq!(html.contains("/rerun"), again, "{status:?}");
            assert_eq!(html.contains("/cancel"), cancel, "{status:?}");
            let forms = html.matches("<form").count();
            assert_eq!(html.matches("name=\"token\" value=\"t\"").count(), forms);
        }
    }

    #[test]
    fn what_no_step_logged_and_what_is_not_known_are_told_after_the_timeline() {
        let mut run = run(Status::Completed);
        let at = run.now;
        let line = |text: &str| Line { at, level: "info".into(), text: text.into(), from: None };
        assert!(!view(&run, "", None).to_string().contains("between the steps"));
        run.outside = vec![line("on <my> way")];
        run.notes = vec!["Its worker did not <tell>.".to_owned()];
        let html = view(&run, "", None).to_string();
        for says in ["between the steps", "on &lt;my&gt; way", "did not &lt;tell&gt;."] {
            assert!(html.contains(says), "{html}");
        }
    }

    #[test]
    fn results_are_text() {
        let mut run = run(Status::Failed);
        run.output = Some(r#"{"message":"<b>no</b>"}"#.to_owned());
        let html = view(&run, "", None).to_string();
        assert!(html.contains("<h2>Failure</h2>"));
        assert!(html.contains("&quot;message&quot;: &quot;&lt;b&gt;no&lt;/b&gt;&quot;"), "{html}");
        assert!(html.contains("shop/&lt;order&gt;"));
    }
}
