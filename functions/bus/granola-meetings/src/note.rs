//! The note of a meeting in the vault.

use outside::Folder;
use system_bus_sdk::prelude::*;

use crate::analysis::{Analysis, Task};
use crate::events::Meeting;
use crate::settings::Settings;

/// The root with the vault.
const ROOT: &str = "vault";

/// Writes the note; its path. The same meeting has the same note.
pub(crate) fn write(
    io: &Io,
    meeting: &Meeting,
    date: &str,
    analysis: &Analysis,
    tasks: &[Task],
) -> Result<String> {
    let settings = Settings::read(io);
    let vault = Folder::of(io, ROOT);
    vault.make(&settings.notes)?;
    let path = format!("{}/{}", settings.notes, file(meeting, date));
    vault.write(&path, &text(meeting, date, analysis, tasks))?;
    Ok(path)
}

/// The name of the file. Two meetings of a day may have the same title, and none the same id.
pub(crate) fn file(meeting: &Meeting, date: &str) -> String {
    let mut slug = String::new();
    for letter in meeting.title.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(60).collect();
    let id: String = meeting.meeting_id.chars().take(40).collect();
    format!("{date}-{}-{id}.md", slug.trim_matches('-')).replace("--", "-")
}

fn text(meeting: &Meeting, date: &str, analysis: &Analysis, tasks: &[Task]) -> String {
    // JSON's texts and lists are YAML's too, and no title breaks out of them.
    let quoted = |value: &Value| value.to_string();
    let mut lines = vec![
        "---".to_owned(),
        "type: meeting".to_owned(),
        format!("title: {}", quoted(&meeting.title.as_str().into())),
        format!("date: {date}"),
        "source: granola".to_owned(),
        format!("granola_id: {}", meeting.meeting_id),
        format!("granola_url: https://notes.granola.ai/d/{}", meeting.meeting_id),
        "tags: [meeting, granola]".to_owned(),
        format!("people: {}", quoted(&analysis.people.clone().into())),
        "---".to_owned(),
        String::new(),
        format!("# {}", line(&meeting.title)),
    ];
    let tasks: Vec<_> =
        tasks.iter().map(|one| format!("[ ] {} ({})", one.task, one.owner)).collect();
    for (heading, entries) in [
        ("Decisions", &analysis.decisions),
        ("Action items", &tasks),
        ("Follow-ups", &analysis.follow_ups),
    ] {
        if !entries.is_empty() {
            lines.push(format!("\n## {heading}\n"));
            lines.extend(entries.iter().map(|entry| format!("- {}", line(entry))));
        }
    }
    lines.join("\n") + "\n"
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
