//! Records, lines and spans of a real component, as they arrive in the worker's own tracing.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use capabilities::telemetry::{Origin, Provider};
use runtime::placement::Capability;
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::site::{RUN, Site};

mod lines;
mod secrets;
mod spans;

/// What was written to the log, a line of JSON each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A guest, and what it leaves in the log of this thread.
struct Desk {
    site: Site,
    lines: Lines,
    _guard: DefaultGuard,
}

impl Desk {
    async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// With further providers.
    async fn with(mut providers: Vec<Arc<dyn runtime::Provider>>) -> Self {
        let origin = Origin { session: "s1".to_owned(), system: "mini".to_owned() };
        let lines = Lines::default();
        let log = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_writer(lines.clone())
            .finish();
        let guard = crate::captured::listen(log);
        providers.push(Arc::new(Provider::new(origin)));
        let site = Site::new(guests::USES_TELEMETRY, providers).await;
        Self { site, lines, _guard: guard }
    }

    /// All of the log.
    fn text(&self) -> String {
        let written = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(written).expect("text")
    }

    /// The events of a target.
    fn events(&self, target: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line["target"] == target && !is_of_a_span(line)).collect()
    }

    /// How many spans of this name were opened and closed.
    fn spans(&self, name: &str) -> (usize, usize) {
        let text = self.text();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let count = |what: &str| {
            let of =
                |line: &&Value| line["fields"]["message"] == what && line["span"]["name"] == name;
            lines.iter().filter(of).count()
        };
        (count("new"), count("close"))
    }
}

/// Whether a line tells of the beginning or the end of a span.
fn is_of_a_span(line: &Value) -> bool {
    line["fields"]["message"] == "new" || line["fields"]["message"] == "close"
}

/// Runs a function; what it answered, and the records it left, each with the line that it came in.
async fn run(function: &str) -> (String, Vec<(Value, Value)>, Site) {
    let desk = Desk::new().await;
    let answer = desk.site.run(function, json!({})).await;
    let records = desk.events("telemetry").into_iter().map(|line| {
        let record = line["fields"]["record"].as_str().expect("a record");
        (serde_json::from_str(record).expect("JSON"), line)
    });
    (answer, records.collect(), desk.site)
}

#[tokio::test]
async fn records_arrive_once_each_with_the_run_and_the_step() {
    let (answer, records, site) = run("records").await;
    assert_eq!(answer, "done 1");
    let actions: Vec<_> = records.iter().map(|(record, _)| record["action"].clone()).collect();
    assert_eq!(actions, ["before", "probe.redis", "probe.disk", "after"]);

    let (probe, line) = &records[1];
    assert_eq!(
        (&probe["component"], &probe["success"], &probe["duration_ms"], &probe["metadata"]),
        (
            &json!("health-check"),
            &json!(true),
            &json!(12),
            &json!({"port": 6379, "function": "records", "run": RUN, "step": "probe"})
        )
    );
    assert_eq!((&probe["sessionId"], &probe["systemId"]), (&json!("s1"), &json!("mini")));
    assert!(line["fields"]["digest"].as_str().is_some_and(|digest| digest.len() >= 12), "{line}");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["span"]["called"], "connecting", "{line}");

    let (disk, line) = &records[2];
    assert_eq!(line["span"]["called"], "probe", "its span has ended: {line}");
    assert_eq!((&disk["level"], &disk["error"]), (&json!("fatal"), &json!("full")));
    assert_eq!((&disk["component"], &line["level"]), (&json!("uses-telemetry"), &json!("ERROR")));

    let used = site.runtime.usage()["uses-telemetry"].of(Capability::Telemetry);
    assert!(used.calls >= 6 && used.denied == 0, "{used:?}");
}

#[tokio::test]
async fn a_flood_of_records_and_open_spans_is_held_back_and_harms_nobody() {
    let (answer, records, _site) = run("floods").await;
    assert_eq!(answer, "done 2000");
    assert_eq!(records.len(), 12, "of one key and minute");
}

#[tokio::test]
async fn what_is_no_record_is_made_one_and_nothing_is_forged() {
    let (answer, records, _site) = run("mumbles").await;
    assert_eq!(answer, "done 3");
    let [(empty, _), (long, _), (forged, _)] = &records[..] else { panic!("{records:?}") };
    assert_eq!(
        (&empty["action"], &empty["error"]),
        (&json!("mumbles"), &json!("operation_failed"))
    );
    assert!(long["metadata"]["metadata_problem"].is_string(), "{long}");
    assert_eq!(
        (&forged["metadata"]["run"], &forged["metadata"]["function"]),
        (&json!(RUN), &json!("mumbles"))
    );
}
