//! One meeting after another.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::analyze::meeting_analyze;
use crate::events::Meeting;

/// The pause between two meetings.
const PAUSE: Duration = Duration::from_mins(3);
/// How long one may take: its attempts, and its waiting for the account.
const PATIENCE: Duration = Duration::from_hours(2);

/// What came of a meeting.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Which.
    pub meeting_id: String,
    /// What it is called.
    pub title: String,
    /// `analyzed`, `skipped` or `error`.
    pub status: String,
}

/// Has each of them analysed, and waits for its end before the next one. An event for each would begin all at once, and
/// nobody would hear how they ended. One that fails keeps no other.
pub(crate) async fn analyze(ctx: &Ctx, meetings: &[Meeting], source: &str) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for meeting in meetings {
        let id = &meeting.meeting_id;
        if !outcomes.is_empty() {
            ctx.sleep("cooldown", PAUSE).key(id).await?;
        }
        let asked = Meeting { source: Some(source.to_owned()), ..meeting.clone() };
        let ended = ctx.invoke::<meeting_analyze>("analyze", asked).timeout(PATIENCE).key(id).await;
        let status = match ended {
            Ok(analyzed) => analyzed.status,
            Err(error) => {
                let note = Note::of(COMPONENT, "granola.meeting.failed").with("meetingId", id);
                note.with("source", source).failed(ctx, &error);
                "error".to_owned()
            }
        };
        outcomes.push(Outcome { meeting_id: id.clone(), title: meeting.title.clone(), status });
    }
    Ok(outcomes)
}
