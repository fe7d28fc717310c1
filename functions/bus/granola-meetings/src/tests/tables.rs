//! Days, tasks, names of files, settings.

use crate::analysis::ours;
use crate::analyze::day;
use crate::note::file;
use crate::settings::Settings;
use crate::{Meeting, Task};

#[test]
fn days_are_read_and_nothing_else() {
    for (text, found) in [
        ("2026-03-01T10:00:00Z", Some("2026-03-01")),
        ("2026-03-01", Some("2026-03-01")),
        ("March 1, 2026", None),
        ("../../etc/x", None),
        ("2026", None),
        ("日本語日本語", None),
        ("", None),
    ] {
        assert_eq!(day(text).as_deref(), found, "{text}");
    }
}

#[test]
fn tasks_are_ours_and_can_be_done() {
    let owners = Settings::of(|_| None).owners;
    for (text, owner, good) in [
        ("Send the plan", "Joel", true),
        ("Send the plan", "Ann and us", true),
        ("Send the plan", "our team", true),
        // `we` in a longer name is nobody of ours.
        ("Send the plan", "Wendy Bauer", false),
        ("Send the plan", "", false),
        ("Send it", "Joel", false),
        ("Shall we send the plan?", "Joel", false),
    ] {
        let task = Task {
            task: text.to_owned(),
            owner: owner.to_owned(),
            deadline: String::new(),
            context: String::new(),
        };
        assert_eq!(ours(&[task], &owners).len() == 1, good, "{text} {owner}");
    }
}

#[test]
fn files_have_plain_names_of_their_own() {
    for (title, id, name) in [
        ("Plans", "m1", "2026-03-01-plans-m1.md"),
        ("Plans", "m2", "2026-03-01-plans-m2.md"),
        ("../../etc: passwd?", "m1", "2026-03-01-etc-passwd-m1.md"),
        ("", "m1", "2026-03-01-m1.md"),
        ("Über uns", "m1", "2026-03-01-über-uns-m1.md"),
    ] {
        let meeting = Meeting {
            meeting_id: id.to_owned(),
            title: title.to_owned(),
            date: None,
            participants: Vec::new(),
            source: None,
        };
        assert_eq!(file(&meeting, "2026-03-01"), name, "{title}");
    }
}

#[test]
fn settings_have_defaults() {
    let none = Settings::of(|_| None);
    assert_eq!(
        (none.todoist.as_str(), none.notes.as_str()),
        ("https://api.todoist.com/api/v1", "Resources/meetings")
    );
    assert_eq!(none.owners[0], "joel");
    for (text, owners) in [
        (" Ann, BEN ,,", vec!["ann", "ben"]),
        ("0", vec!["0"]),
        ("", none.owners.iter().map(String::as_str).collect()),
    ] {
        assert_eq!(Settings::of(|_| Some(text.to_owned())).owners, owners, "{text}");
    }
    let notes = Settings::of(|key| (key == "GRANOLA_NOTES").then(|| "/Meetings/".to_owned())).notes;
    assert_eq!(notes, "Meetings");
}
