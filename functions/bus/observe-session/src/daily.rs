//! The log of the day, for people: what stays when everything else is away.

use outside::Folder;
use system_bus_sdk::prelude::*;
use system_bus_sdk::{Reason, Refused};

use crate::gate::Verdict;
use crate::observer::Parsed;
use crate::session::Session;

/// The root with the logs.
const ROOT: &str = "memory";

/// What became of the log.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Logged {
    /// Whether it has more than before.
    pub appended: bool,
    /// Whether it had it already.
    #[serde(default)]
    pub duplicate: bool,
    /// Why it has it not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Adds what was observed, once for each part of a session. A disk that is away fails nothing.
pub(crate) fn append(io: &Io, session: &Session, parsed: &Parsed) -> Logged {
    match add(io, session, parsed) {
        Ok(appended) => Logged { appended, duplicate: !appended, error: None },
        Err(refused) => Logged { error: Some(refused.to_string()), ..Logged::default() },
    }
}

fn add(io: &Io, session: &Session, parsed: &Parsed) -> std::result::Result<bool, Refused> {
    let (folder, path) = (Folder::of(io, ROOT), format!("{}.md", session.date()));
    let before = match folder.read(&path) {
        Ok(text) => text,
        Err(refused) if refused.reason() == Reason::Missing => String::new(),
        Err(refused) => return Err(refused),
    };
    if before.contains(&marker(session)) {
        return Ok(false);
    }
    // At the end and in one piece: others may write to the same file now.
    folder.append(&path, &text(session, parsed))?;
    Ok(true)
}

/// By what the log knows a part of a session. One that compacts twice is two parts.
fn marker(session: &Session) -> String {
    format!("### Observations (session: {}, part: {}", session.session_id, session.mark())
}

fn text(session: &Session, parsed: &Parsed) -> String {
    let mut lines = vec![
        format!("\n{}, {})\n", marker(session), session.time()),
        format!("**Trigger**: {}", session.trigger.name()),
        format!("**Files**: {} modified, {} read\n", session.files_modified, session.files_read),
    ];
    let mut theme = None;
    for one in parsed.observations.iter().filter(|one| one.gate.verdict != Verdict::Discard) {
        if one.theme.is_some() && one.theme != theme {
            lines.extend(one.theme.iter().map(|theme| format!("#### {theme}\n")));
            theme.clone_from(&one.theme);
        }
        lines.push(match one.kind.as_str() {
            "segment_fact" => format!("- {}", one.text),
            _ => one.text.clone(),
        });
    }
    lines.extend(parsed.current_task.iter().map(|task| format!("\n**Current task**: {task}")));
    lines.join("\n") + "\n"
}
