//! Messages, ranges, settings.

use serde_json::{Value, json};

use crate::message::{Message, category};
use crate::range::Range;
use crate::settings::Settings;

#[test]
fn which_messages_count() {
    for (told, counts) in [
        (json!({"ts": "1.1", "text": "a"}), true),
        (json!({"ts": "1.1", "subtype": "thread_broadcast", "text": "a"}), true),
        (json!({"ts": "1.1", "subtype": "bot_message", "text": "a"}), true),
        (json!({"ts": "1.1", "subtype": "bot_message", "text": " "}), false),
        (json!({"ts": "1.1", "subtype": "channel_join"}), false),
        (json!({"ts": "1.1", "subtype": "channel_leave"}), false),
        (json!({"ts": "1.1", "subtype": "tombstone"}), false),
        (json!({"ts": "never", "text": "a"}), false),
        (json!({"ts": "0", "text": "a"}), false),
        (json!({"text": "a"}), false),
        (json!({}), false),
    ] {
        assert_eq!(Message::of(&told).counts(), counts, "{told}");
    }
}

#[test]
fn what_is_attached_is_seen() {
    for (told, attached) in [
        (json!({}), false),
        (json!({"files": []}), false),
        (json!({"files": [1]}), true),
        (json!({"attachments": [1]}), true),
    ] {
        assert_eq!(Message::of(&told).attached, attached, "{told}");
    }
    assert_eq!(Message::all(&Value::Null), []);
}

#[test]
fn channels_have_categories() {
    for (name, expected) in [
        ("cc-x", "cc"),
        ("lc-x", "lc"),
        ("dd-x", "dd"),
        ("brain-x", "brain"),
        ("project-x", "project"),
        ("egghead-hq", "hq"),
        ("skill-x", "skill"),
        ("sp-x", "partner"),
        ("sp_x", "partner"),
        ("pm-x", "pm"),
        ("old-chat", "legacy-chat"),
        ("general", "other"),
    ] {
        assert_eq!(category(name), expected, "{name}");
    }
}

#[test]
fn a_range_holds_its_ends() {
    let range = Range { oldest_ts: "1000.5".to_owned(), latest_ts: "2000".to_owned() };
    for (ts, holds) in
        [("1000.4", false), ("1000.5", true), ("2000", true), ("2000.1", false), ("x", false)]
    {
        assert_eq!(range.holds(ts), holds, "{ts}");
    }
}

#[test]
fn settings_have_their_defaults() {
    let none = Settings::of(|_| None);
    assert_eq!(none.slack, "https://slack.com/api");
    assert_eq!(none.typesense, "http://localhost:8108");
    let set = Settings::of(|key| (key == "SLACK_API_URL").then(|| " http://a/ ".to_owned()));
    assert_eq!(set.slack, "http://a");
}
