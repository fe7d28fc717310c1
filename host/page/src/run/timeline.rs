//! What happened in a run, and when: a bar for each step, on one scale.

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::more::{self, More, Place};
use crate::html::Html;
use crate::{list, time};

/// How wide the scale is, in the units of the drawing.
const WIDTH: f64 = 1_000.0;
/// The least width at which a part can be seen.
const LEAST: f64 = 3.0;

/// How a stretch of a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has not.
    Open,
    /// As it should.
    Done,
    /// What it waited for did not come in time.
    TimedOut,
    /// It failed with this message, and is tried again or not.
    Failed {
        /// What went wrong.
        message: String,
        /// When it is tried again.
        again: Option<Timestamp>,
    },
    /// The run ended before it.
    Left,
}

/// One stretch of a run: an attempt at a step, a wait, or a call of the function in which no step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The hash by which the server knows the step; none for a call of the function.
    pub step: Option<String>,
    /// What people call it.
    pub name: String,
    /// What it is, such as `step` or `sleep`.
    pub kind: &'static str,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Since when it waited for its turn.
    pub queued_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How long it waited for its turn.
    pub queued: Duration,
    /// How long the worker was at it without running the step's body: the way there, a replay, storing.
    pub host: Duration,
    /// How long the step's body ran.
    pub guest: Duration,
    /// How long it slept, or waited for somebody else.
    pub waited: Duration,
    /// Until when that may last.
    pub until: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it left behind.
    pub more: More,
}

impl Span {
    fn word(&self) -> (&'static str, &'static str) {
        match &self.outcome {
            Outcome::Done => ("done", "completed"),
            Outcome::TimedOut => ("timed out", "retried"),
            Outcome::Failed { again: Some(_), .. } => ("tried again", "retried"),
            Outcome::Failed { again: None, .. } => ("failed", "failed"),
            Outcome::Left => ("left", "canceled"),
            Outcome::Open if self.started_at.is_none() => ("queued", "queued"),
            Outcome::Open if self.until.is_some() => ("waiting", "waiting"),
            Outcome::Open => ("running", "running"),
        }
    }

    /// The parts of its bar: class, beginning and length.
    fn parts(&self) -> [(&'static str, Timestamp, Duration); 4] {
        let began = self.started_at.unwrap_or(self.queued_at);
        let body = began.checked_add(self.host).unwrap_or(began);
        [
            ("queued", self.queued_at, self.queued),
            ("host", began, self.host),
            ("guest", body, self.guest),
            ("wait", began, self.waited),
        ]
    }
}

/// The timeline of a run that was queued at the beginning of `whole` and lasted until its end.
pub(super) fn show(
    html: &mut Html,
    spans: &[Span],
    whole: Range<Timestamp>,
    now: Timestamp,
    place: Place<'_>,
) {
    if !spans.is_empty() {
        legend(html, spans);
    }
    let heads = ["Step", "Status", "Time", "-Queued", "-Host", "-Guest", "Total"];
    let nothing = "Nothing has happened yet: the run waits for its first call.";
    // What belongs together in time stands together, whatever was known first.
    let mut ordered: Vec<_> = spans.iter().collect();
    ordered.sort_by_key(|span| (span.queued_at, span.started_at.unwrap_or(now)));
    list::table(html, "Timeline", &heads, spans.len(), nothing, |body| {
        for span in ordered {
            row(body, span, whole.start, whole.end);
            let mut left = Html::new();
            let step = span.step.as_deref();
            let key = format!("{}-{}", step.unwrap_or_default(), span.attempt);
            more::show(&mut left, &span.more, step, &key, place);
            if left != Html::new() {
                body.element("tr", &[("class", "more")], |tr| {
                    tr.element("td", &[("colspan", &heads.len().to_string())], |td| {
                        td.append(&left);
                    });
                });
            }
        }
    });
}

fn legend(html: &mut Html, spans: &[Span]) {
    let sum = |part: fn(&Span) -> Duration| time::span(spans.iter().map(part).sum());
    html.element("ul", &[("class", "legend")], |ul| {
        for (class, words, total) in [
            ("queued", "queued", sum(|span| span.queued)),
            ("host", "host", sum(|span| span.host)),
            ("guest", "guest (bodies of steps)", sum(|span| span.guest)),
            ("wait", "asleep or waiting", sum(|span| span.waited)),
        ] {
            ul.element("li", &[], |li| {
                li.leaf("span", &[("class", &format!("key {class}"))], "");
                li.text(format_args!("{words} {total}"));
            });
        }
    });
}

fn row(body: &mut Html, span: &Span, from: Timestamp, to: Timestamp) {
    let exact = |at: Option<Timestamp>| at.map(time::exact).unwrap_or_default();
    let millis = |part: Duration| format!("{:.3}", part.as_secs_f64() * 1e3);
    let (queued, started, ended) =
        (time::exact(span.queued_at), exact(span.started_at), exact(span.ended_at));
    let (host, guest) = (millis(span.host), millis(span.guest));
    let attributes = [
        ("class", "spans"),
        ("data-step", span.step.as_deref().unwrap_or_default()),
        ("data-queued", &queued),
        ("data-started", &started),
        ("data-ended", &ended),
        ("data-host-ms", &host),
        ("data-guest-ms", &guest),
    ];
    body.element("tr", &attributes, |tr| {
        tr.element("th", &[("scope", "row")], |th| {
            th.text(&span.name);
            th.element("div", &[("class", "why")], |div| {
                div.text(span.kind);
                if span.attempt > 0 {
                    div.text(format_args!(", attempt {}", span.attempt + 1));
                }
                if let Outcome::Failed { message, .. } = &span.outcome {
                    div.text(": ").text(message);
                }
                if let (Outcome::Open, Some(until)) = (&span.outcome, span.until) {
                    div.text(" until ").text(time::moment(until));
                }
            });
        });
        let (word, class) = span.word();
        tr.element("td", &[], |td| {
            td.leaf("span", &[("class", &format!("mark {class}"))], word);
        });
        tr.element("td", &[("class", "line")], |td| bar(td, span, from, to));
        for part in [span.queued, span.host, span.guest] {
            tr.leaf("td", &[("class", "number spare")], time::span(part));
        }
        let total = span.queued + span.host + span.guest + span.waited;
        tr.leaf("td", &[("class", "number")], time::span(total));
    });
}

/// The bar. It is drawn with attributes, since styles within a document are not let through.
fn bar(td: &mut Html, span: &Span, from: Timestamp, to: Timestamp) {
    let whole = time::between(from, to).as_secs_f64().max(1e-6);
    let label = span
        .parts()
        .iter()
        .filter(|(_, _, part)| !part.is_zero())
        .map(|(class, _, part)| format!("{class} {}", time::span(*part)))
        .collect::<Vec<_>>()
        .join(", ");
    let label = if label.is_empty() { "no time".to_owned() } else { label };
    let svg = [
        ("viewBox", "0 0 1000 16"),
        ("preserveAspectRatio", "none"),
        ("role", "img"),
        ("aria-label", label.as_str()),
    ];
    td.element("svg", &svg, |svg| {
        for (class, begin, part) in span.parts() {
            if part.is_zero() {
                continue;
            }
            let width = (part.as_secs_f64() / whole * WIDTH).clamp(LEAST, WIDTH);
            let x = time::between(from, begin).as_secs_f64() / whole * WIDTH;
            let (x, width) = (format!("{:.2}", x.min(WIDTH - width)), format!("{width:.2}"));
            let rect =
                [("class", class), ("x", &*x), ("y", "2"), ("width", &*width), ("height", "12")];
            svg.element("rect", &rect, |_| {});
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_352_400_000 + millis).expect("a time")
    }

    fn span() -> Span {
        let ms = Duration::from_millis;
        Span {
            step: Some("abc".to_owned()),
            name: "charge <card>".to_owned(),
            kind: "step",
            attempt: 0,
            queued_at: at(0),
            started_at: Some(at(100)),
            ended_at: Some(at(1_000)),
            queued: ms(100),
            host: ms(150),
            guest: ms(750),
            waited: Duration::ZERO,
            until: None,
            outcome: Outcome::Done,
            more: More::default(),
        }
    }

    fn shown(spans: &[Span]) -> String {
        let mut html = Html::new();
        let place = Place { base: "", run: "R1", token: None };
        show(&mut html, spans, at(0)..at(2_000), at(2_000), place);
        html.to_string()
    }

    #[test]
    fn a_bar_has_each_part_where_it_was() {
        let html = shown(&[span()]);
        for says in [
            r#"data-queued="2026-11-22T13:00:00.000Z""#,
            r#"data-started="2026-11-22T13:00:00.100Z""#,
            r#"data-ended="2026-11-22T13:00:01.000Z""#,
            r#"data-host-ms="150.000" data-guest-ms="750.000""#,
            r#"<rect class="queued" x="0.00" y="2" width="50.00""#,
            r#"<rect class="host" x="50.00" y="2" width="75.00""#,
            r#"<rect class="guest" x="125.00" y="2" width="375.00""#,
            r#"aria-label="queued 100 ms, host 150 ms, guest 750 ms""#,
            "charge &lt;card&gt;",
        ] {
            assert!(html.contains(says), "{says}\n{html}");
        }
        assert!(!html.contains("class=\"wait\" x="), "{html}");
        assert!(shown(&[]).contains("Nothing has happened yet"));
        assert!(!html.contains("class=\"more\""), "{html}");
        let left = More { memo: Some("7".to_owned()), ..More::default() };
        let html = shown(&[Span { more: left, ..span() }]);
        assert!(html.contains("<tr class=\"more\"><td colspan=\"7\"><details"), "{html}");
    }

    #[test]
    fn each_outcome_has_its_word() {
        let failed = |again| Outcome::Failed { message: "no <b>".to_owned(), again };
        for (outcome, started, until, word) in [
            (Outcome::Done, true, false, ">done<"),
            (Outcome::TimedOut, true, true, ">timed out<"),
            (failed(None), true, false, ">failed<"),
            (failed(Some(at(9))), true, false, ">tried again<"),
            (Outcome::Left, true, false, ">left<"),
            (Outcome::Open, false, false, ">queued<"),
            (Outcome::Open, true, true, ">waiting<"),
            (Outcome::Open, true, false, ">running<"),
        ] {
            let html = shown(&[Span {
                started_at: started.then_some(at(100)),
                until: until.then_some(at(500)),
                outcome: outcome.clone(),
                ..span()
            }]);
            assert!(html.contains(word), "{word}\n{html}");
            let failed = matches!(outcome, Outcome::Failed { .. });
            assert_eq!(html.contains("no &lt;b&gt;"), failed);
        }
    }

    #[test]
    fn the_shortest_part_can_be_seen_and_none_leaves_the_scale() {
        let late = Span { queued_at: at(1_999), started_at: Some(at(2_000)), ..span() };
        let tiny = Duration::from_micros(1);
        let html = shown(&[Span { queued: tiny, host: tiny, guest: tiny, ..late }]);
        for rect in html.split("<rect").skip(1) {
            let number = |name: &str| -> f64 {
                let text = rect.split(&format!(" {name}=\"")).nth(1).expect(name);
                text.split('"').next().expect("a value").parse().expect("a number")
            };
            assert!(number("width") >= LEAST && number("x") + number("width") <= WIDTH, "{rect}");
        }
    }
}
