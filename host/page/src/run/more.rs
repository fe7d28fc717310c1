//! What a step left behind: what it logged, and its result.

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::pretty;
use crate::document::seal;
use crate::html::Html;
use crate::time;

/// How much of a result is shown in the run's view, in bytes. The rest has a view of its own.
const SHOWN: usize = 4 << 10;

/// A line that a function logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// `trace`, `debug`, `info`, `warn`, `error` or `critical`.
    pub level: String,
    /// What it says.
    pub text: String,
    /// The part of the program that speaks, or the stream that was written to.
    pub from: Option<String>,
}

/// What a step left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct More {
    /// What was logged by this attempt, as far as its worker still has it.
    pub lines: Vec<Line>,
    /// What calls carry for the step, as JSON, where this is the attempt that ended it.
    pub memo: Option<String>,
}

/// Where its forms and links lead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) base: &'p str,
    pub(super) run: &'p str,
    /// Without it there are no forms.
    pub(super) token: Option<&'p str>,
}

/// What a step left behind, if that is anything. `key` tells its parts from those of other rows.
pub(super) fn show(html: &mut Html, more: &More, step: Option<&str>, key: &str, place: Place<'_>) {
    if !more.lines.is_empty() {
        let words = match more.lines.len() {
            1 => "Logged 1 line".to_owned(),
            count => format!("Logged {count} lines"),
        };
        let attributes = [("open", ""), ("data-key", &*format!("{key}-log"))];
        html.element("details", &attributes, |details| {
            details.leaf("summary", &[], words);
            lines(details, &more.lines);
        });
    }
    let (Some(memo), Some(step)) = (&more.memo, step) else { return };
    html.element("details", &[("data-key", &*format!("{key}-result"))], |details| {
        details.leaf("summary", &[], "Result");
        result(details, memo, step, place);
        if let Some(token) = place.token {
            let action = format!("{}/runs/{}/rerun", place.base, place.run);
            details.element("form", &[("method", "post"), ("action", &action)], |form| {
                seal(form, token);
                form.void("input", &[("type", "hidden"), ("name", "step"), ("value", step)]);
                let words = "Run again from here";
                form.leaf("button", &[("type", "submit")], words);
            });
        }
    });
}

/// Lines of a log, the first one first.
pub(super) fn lines(html: &mut Html, lines: &[Line]) {
    html.element("ol", &[("class", "log")], |ol| {
        for line in lines {
            ol.element("li", &[], |li| {
                let clock = strtime::format("%H:%M:%S.%3f", line.at).unwrap_or_default();
                li.leaf("time", &[("datetime", &time::exact(line.at))], clock).text(" ");
                if line.level != "info" {
                    let class = match &*line.level {
                        "warn" => "mark waiting",
                        "error" | "critical" => "mark failed",
                        _ => "mark",
                    };
                    li.leaf("span", &[("class", class)], &line.level).text(" ");
                }
                if let Some(from) = line.from.as_deref().filter(|from| !from.is_empty()) {
                    li.leaf("span", &[("class", "soft")], from).text(" ");
                }
                li.text(&line.text);
            });
        }
    });
}

fn result(html: &mut Html, memo: &str, step: &str, place: Place<'_>) {
    let text = pretty(memo);
    if text.len() <= SHOWN {
        html.leaf("pre", &[("tabindex", "0")], text);
        return;
    }
    let start = &text[..text.floor_char_boundary(SHOWN)];
    html.leaf("pre", &[("tabindex", "0")], format_args!("{start}…"));
    html.element("p", &[], |p| {
        let href = format!("{}/runs/{}/steps/{step}", place.base, place.run);
        let words = format!("All {} bytes of it", memo.len());
        p.leaf("a", &[("href", &href)], words);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { base: "", run: "R1", token: Some("t") };

    fn shown(more: &More, place: Place<'_>) -> String {
        let mut html = Html::new();
        show(&mut html, more, Some("abc"), "3", place);
        html.to_string()
    }

    fn line(level: &str, text: &str) -> Line {
        let at = "2026-11-22T13:00:00.120Z".parse().expect("a time");
        Line { at, level: level.to_owned(), text: text.to_owned(), from: None }
    }

    #[test]
    fn what_was_logged_is_text_with_its_time_and_its_level() {
        let from = Some("shop::<bank>".to_owned());
        let lines = vec![
            line("info", "paid <b>7</b>"),
            Line { from, ..line("warn", "slow") },
            line("critical", "lost"),
        ];
        let html = shown(&More { lines, memo: None }, PLACE);
        for says in [
            "Logged 3 lines",
            ">13:00:00.120</time> paid &lt;b&gt;7&lt;/b&gt;</li>",
            "<span class=\"mark waiting\">warn</span> <span class=\"soft\">shop::&lt;bank&gt;</span> slow",
            "<span class=\"mark failed\">critical</span> lost",
        ] {
            assert!(html.contains(says), "{says}\n{html}");
        }
        assert!(!html.contains("<form"), "{html}");
        assert!(
            shown(&More { lines: vec![line("info", "a")], memo: None }, PLACE).contains("1 line<")
        );
        assert_eq!(shown(&More::default(), PLACE), "");
    }

    #[test]
    fn a_result_is_shown_as_far_as_it_is_short_and_runs_go_on_from_it_for_those_who_may() {
        let more = |memo: String| More { memo: Some(memo), ..More::default() };
        let short = shown(&more(r#"{"data":"</pre>"}"#.to_owned()), PLACE);
        assert!(short.contains("&lt;/pre&gt;") && !short.contains("/steps/"), "{short}");
        assert!(short.contains("value=\"t\"") && short.contains("value=\"abc\""), "{short}");
        // Cut between two letters, not within one.
        let long = format!("{{\"data\":\"x{}\"}}", "ä".repeat(SHOWN));
        let html = shown(&more(long), Place { token: None, ..PLACE });
        assert!(html.contains("…</pre>") && html.contains("href=\"/runs/R1/steps/abc\""));
        assert!(html.contains(&format!("All {} bytes", 2 * SHOWN + 12)), "{html}");
        assert!(html.len() < 2 * SHOWN && !html.contains("<form"), "{html}");
    }
}
