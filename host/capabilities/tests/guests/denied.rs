//! Whatever a grant does not allow is three things: an error that the component's code can see, a record for the operator,
//! and a count. One table for every capability that can be granted; settings, records and messages to people need no grant.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use capabilities::{grants, providers};
use runtime::capability::Used;
use runtime::placement::{Capability, Kind, TABLE};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::granted::surroundings;
use crate::site::{RUN, Site};

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

/// What was denied in the name of a component, once each time.
fn records(log: &Lines) -> Vec<Value> {
    let log = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
    lines.filter(|line| line["target"] == "audit").collect()
}

/// One attempt: a guest and its function, what it is told, what its code hears, and what the record names.
struct Attempt {
    capability: Capability,
    guest: (&'static str, &'static str),
    function: &'static str,
    data: Value,
    heard: &'static str,
    what: &'static str,
}

fn attempts() -> Vec<Attempt> {
    let attempt = |capability, guest, function, data, heard, what| Attempt {
        capability,
        guest,
        function,
        data,
        heard,
        what,
    };
    vec![
        attempt(
            Capability::Fs,
            ("uses-fs", guests::USES_FS),
            "does",
            json!({ "do": [["write", "notes", "b.txt", "mine"]] }),
            "done [\"Denied: ",
            "write of \"b.txt\" in the root \"notes\"",
        ),
        attempt(
            Capability::Shell,
            ("uses-shell", guests::USES_SHELL),
            "tells",
            json!({ "program": "rm", "arguments": ["-rf", "/"] }),
            "done \"Denied: ",
            "rm",
        ),
        attempt(
            Capability::Http,
            ("uses-http", guests::USES_HTTP),
            "error",
            json!({ "url": "http://127.0.0.1:9/private?key=1" }),
            "done \"Denied\"",
            "GET 127.0.0.1:9",
        ),
        attempt(
            Capability::Redis,
            ("uses-redis", guests::USES_REDIS),
            "put",
            json!({ "key": "k", "value": "v" }),
            "CapabilityDenied",
            "set",
        ),
        attempt(
            Capability::Keyvalue,
            ("uses-keyvalue", guests::USES_KEYVALUE),
            "reads-one",
            json!({ "bucket": "theirs" }),
            "AccessDenied",
            "theirs",
        ),
        attempt(
            Capability::Secrets,
            ("uses-secrets", guests::USES_SECRETS),
            "sends",
            json!({ "secret": "door", "to": "http://127.0.0.1:9/" }),
            "CapabilityDenied",
            "door",
        ),
        attempt(
            Capability::Inference,
            ("uses-inference", guests::USES_INFERENCE),
            "asks",
            json!({ "prompt": "what is hidden?" }),
            "CapabilityDenied",
            "ask",
        ),
    ]
}

#[tokio::test]
async fn what_is_denied_is_an_error_for_the_component_a_record_for_the_operator_and_a_count() {
    // All that there is belongs to another component.
    let text =
        "[components.another]\nkeyvalue = { buckets = ['theirs'] }\nfs = [{ root = 'scratch' }]";
    for attempt in attempts() {
        let Attempt { capability, guest: (component, path), function, data, heard, what } = attempt;
        let folder = tempfile::tempdir().expect("a folder");
        let grants = Arc::new(grants::parse(text).expect("sound grants"));
        let providers = providers(&grants, &surroundings(folder.path())).expect("providers");
        let site = Site::new(path, providers).await;
        let log = Lines::default();
        let json = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
        let _guard = crate::captured::listen(json);

        let said = site.run(function, data).await;
        assert!(said.contains(heard), "{capability}: {said}");
        assert!(said.starts_with("done ") || said.ends_with("(Never)"), "{capability}: {said}");

        let records = records(&log);
        assert_eq!(records.len(), 1, "{capability}: {records:?}");
        let fields = &records[0]["fields"];
        for (field, value) in [
            ("component", component),
            ("function", function),
            ("run", RUN),
            ("capability", capability.name()),
        ] {
            assert_eq!(fields[field], value, "{capability}: {fields}");
        }
        assert!(fields["step"].is_string(), "{capability}: {fields}");
        assert!(fields["what"].as_str().is_some_and(|said| said.contains(what)), "{fields}");
        assert_eq!(records[0]["level"], "WARN");

        let used = site.runtime.usage()[component].of(capability);
        assert_eq!(used, Used { calls: 1, denied: 1 }, "{capability}");
    }
}

#[test]
fn the_table_has_every_capability_that_somebody_has_to_grant() {
    let authorities = TABLE.iter().filter(|row| row.kind == Kind::Authority);
    let authorities: BTreeSet<_> = authorities.map(|row| row.capability).collect();
    let attempted: BTreeSet<_> = attempts().into_iter().map(|one| one.capability).collect();
    assert_eq!(attempted, authorities);
}
