//! Events, the latest first, and one of them.

use jiff::Timestamp;

use crate::html::{Html, encoded};
use crate::list::{self, Pages};
use crate::run::pretty;
use crate::{runs, time};

/// An event in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it came.
    pub received_at: Timestamp,
    /// How many runs it started.
    pub runs: usize,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// This part of it.
    pub rows: Vec<Row>,
    /// Where the rest is.
    pub pages: Pages,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What the list shows of it.
    pub row: Row,
    /// The event as JSON.
    pub body: String,
    /// The runs that it started.
    pub runs: Vec<runs::Row>,
    /// The time of reading.
    pub now: Timestamp,
}

/// The list's view.
pub fn list(events: &Events, base: &str) -> Html {
    let mut html = Html::new();
    html.element("p", &[("class", "soft")], |p| {
        p.text(match events.pages.total {
            1 => "1 event. ".to_owned(),
            total => format!("{total} events. "),
        });
        p.leaf("a", &[("href", &format!("{base}/send"))], "Send one");
    });
    let heads = ["Event", "-Id", "Came at", "Runs"];
    let nothing = "No event has come yet.";
    list::table(&mut html, "Events", &heads, events.rows.len(), nothing, |body| {
        for row in &events.rows {
            body.element("tr", &[], |tr| {
                tr.element("th", &[("scope", "row")], |th| {
                    th.leaf("a", &[("href", &format!("{base}/events/{}", row.id))], &row.name);
                });
                tr.leaf("td", &[("class", "id spare")], &row.id);
                tr.element("td", &[], |td| time::element(td, row.received_at));
                tr.leaf("td", &[("class", "number")], row.runs);
            });
        }
    });
    events.pages.links(&mut html, &format!("{base}/events"));
    html
}

/// One event's view. `sends` says whether it can be sent again from here.
pub fn one(event: &Event, base: &str, sends: bool) -> Html {
    let mut html = Html::new();
    let row = &event.row;
    html.element("dl", &[("class", "facts")], |dl| {
        dl.leaf("dt", &[], "Id").leaf("dd", &[("class", "id")], &row.id);
        dl.leaf("dt", &[], "Came").element("dd", &[], |dd| time::element(dd, row.received_at));
    });
    if sends {
        html.element("p", &[], |p| {
            let href = format!("{base}/send?event={}", encoded(&row.id));
            p.leaf("a", &[("href", &href)], "Send one like it");
        });
    }
    html.leaf("pre", &[("tabindex", "0")], pretty(&event.body));
    html.leaf("h2", &[], "Runs that it started");
    runs::rows(&mut html, &event.runs, event.now, base, "It started none.");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let received_at = "2026-11-22T13:00:00Z".parse().expect("a time");
        Row { id: "E1".to_owned(), name: "a/<b>".to_owned(), received_at, runs: 3 }
    }

    #[test]
    fn lists_of_any_length_are_shown() {
        for (rows, says) in [(0, "No event has come yet"), (1, "1 event. "), (2, "2 events. ")] {
            let pages = Pages { total: rows, ..Pages::default() };
            let html = list(&Events { rows: vec![row(); rows], pages }, "/p").to_string();
            assert!(html.contains(says), "{html}");
            assert_eq!(html.matches("href=\"/p/events/E1\">a/&lt;b&gt;").count(), rows);
        }
    }

    #[test]
    fn an_event_is_shown_as_it_is_and_sent_again_where_that_is_allowed() {
        let body = r#"{"name":"</pre><script>"}"#.to_owned();
        let event = Event { row: row(), body, runs: Vec::new(), now: row().received_at };
        for sends in [true, false] {
            let html = one(&event, "", sends).to_string();
            assert_eq!(html.contains("/send?event=E1"), sends);
            assert!(html.contains("&lt;/pre&gt;&lt;script&gt;") && !html.contains("<script"));
            assert!(html.contains("It started none."));
        }
    }
}
