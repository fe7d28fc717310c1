//! What the worker says, to the byte: `golden/` has one file for each op, each kind of reply and each kind of checkpoint.
//! A changed byte on the wire is a changed line there, for whoever reads the change.
//!
//! When the wire is meant to change, `SYSTEM_BUS_GOLDEN=write cargo test -p protocol --test wire golden` writes the
//! files anew.

mod checkpoints;
mod ops;
mod replies;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use protocol::op::{ErrorObject, OpCode, Provider, Retry, Timing, Wake};
use protocol::outcome::Outcome;
use protocol::step::StepName;
use serde_json::value::RawValue;

/// Files by their path within the folder: what they hold.
type Files = BTreeMap<PathBuf, String>;

/// Lists the variants of an enum, for a test that each is shown. One that is not listed does not compile.
macro_rules! variants {
    ($enum:ident: $($variant:ident),+ $(,)?) => {
        impl Variants for $enum {
            const ALL: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn variant(&self) -> &'static str {
                match self {
                    $($enum::$variant { .. } => stringify!($variant),)+
                }
            }
        }
    };
}

/// An enum that tells which of its variants a value is.
trait Variants {
    const ALL: &'static [&'static str];

    fn variant(&self) -> &'static str;
}

variants!(OpCode:
    StepRun,
    StepError,
    StepFailed,
    StepPlanned,
    Sleep,
    WaitForEvent,
    WaitForSignal,
    InvokeFunction,
    Gateway,
    AiGateway,
    DiscoveryRequest,
    Nothing,
);
variants!(Wake: After, At);
variants!(Provider: OpenaiChat, Anthropic, Gemini, Bedrock);
variants!(Outcome:
    Done,
    Planned,
    Switch,
    Again,
    Superseded,
    Fits,
    Unfit,
    StepRan,
    StepFailed,
    Failed,
    TargetNotFound,
);
variants!(Retry: Again, After, Never);

/// Asserts that these values show every variant of their enum.
fn assert_all_shown<'v, V: Variants + 'v>(values: impl IntoIterator<Item = &'v V>) {
    let shown: Vec<_> = values.into_iter().map(Variants::variant).collect();
    for variant in V::ALL {
        assert!(
            shown.contains(variant),
            "no golden file shows {}::{variant}; add a case",
            std::any::type_name::<V>()
        );
    }
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

fn step(name: &str) -> StepName {
    StepName { id: StepId::hash(name), name: name.to_owned(), index: 0 }
}

fn began() -> Timestamp {
    Timestamp::from_millisecond(1_795_347_640_684).expect("a time")
}

fn timing() -> Timing {
    Timing { start: began(), took: Duration::from_micros(41) }
}

fn error() -> ErrorObject {
    ErrorObject {
        stack: Some("CardDeclined: no funds\n    at charge".to_owned()),
        cause: Some(json(r#"{"name":"HttpError","message":"402","code":[1,null]}"#)),
        ..ErrorObject::new("CardDeclined", "no funds, \"Anna\" – ask again")
    }
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "wire", "golden"].iter().collect()
}

/// The golden files that are there; the cases lie beside them as Rust.
fn present(folder: &Path) -> Files {
    let mut files = Files::new();
    for kind in ["op", "reply", "checkpoint"] {
        let Ok(entries) = std::fs::read_dir(folder.join(kind)) else { continue };
        for entry in entries {
            let path = entry.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("text");
            files.insert(path.strip_prefix(folder).expect("below it").to_owned(), text);
        }
    }
    files
}

fn write(folder: &Path, present: &Files, files: &Files) {
    for path in present.keys().filter(|path| !files.contains_key(*path)) {
        std::fs::remove_file(folder.join(path)).expect("removed");
    }
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
}

/// What is wrong with the files that are there, one line each.
fn faults(present: &Files, wanted: &Files) -> Vec<String> {
    let missing = wanted.iter().filter_map(|(path, text)| match present.get(path) {
        None => Some(format!("{} is missing", path.display())),
        Some(there) if there == text => None,
        Some(there) => {
            // A text that only ends earlier differs where the other goes on.
            let [mut old, mut new] = [there, text].map(|text| text.split('\n'));
            let most = old.clone().count().max(new.clone().count());
            let line = (1..=most)
                .map(|line| (line, old.next(), new.next()))
                .find(|(_, old, new)| old != new)
                .map(|(line, old, new)| {
                    let [old, new] = [old, new].map(|line| line.unwrap_or("(end)"));
                    format!("line {line}:\n  the file says {old}\n  the wire says {new}")
                });
            Some(format!("{}, {}", path.display(), line.unwrap_or_default()))
        }
    });
    let stray = present.keys().filter(|path| !wanted.contains_key(*path));
    missing.chain(stray.map(|path| format!("{} belongs to no case", path.display()))).collect()
}

#[test]
fn the_wire_is_what_the_golden_files_say() {
    let folder = folder();
    let cases = [ops::files(), replies::files(), checkpoints::files()].concat();
    let wanted: Files = cases.iter().cloned().collect();
    assert_eq!(wanted.len(), cases.len(), "two cases have one name");
    let present = present(&folder);
    if std::env::var("SYSTEM_BUS_GOLDEN").is_ok_and(|wish| wish == "write") {
        return write(&folder, &present, &wanted);
    }
    let faults = faults(&present, &wanted);
    assert!(
        faults.is_empty(),
        "{}\n\nWhen this change of the wire is meant, write the files anew with SYSTEM_BUS_GOLDEN=write, and look at \
         the difference.",
        faults.join("\n")
    );
}

#[test]
fn a_missing_a_stray_and_a_changed_file_are_noticed() {
    let files = |all: &[(&str, &str)]| -> Files {
        all.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
    };
    let wanted = files(&[("a", "1\n2\n"), ("b", "1\n")]);
    assert_eq!(faults(&wanted, &wanted), Vec::<String>::new());
    let present = files(&[("a", "1\n3\n"), ("c", "1\n")]);
    assert_eq!(
        faults(&present, &wanted),
        [
            "a, line 2:\n  the file says 3\n  the wire says 2",
            "b is missing",
            "c belongs to no case",
        ]
    );
    let shorter = files(&[("a", "1\n2"), ("b", "1\n")]);
    assert_eq!(faults(&shorter, &wanted), ["a, line 3:\n  the file says (end)\n  the wire says "]);
}
