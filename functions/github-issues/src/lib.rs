//! Triages new issues of GitHub: decides of which kind one is, says it in a sentence, and tells the
//! rest of the system. See the README for the events.

mod classify;
mod delivery;
mod summary;

use system_bus_sdk::prelude::*;

pub use self::classify::{Kind, Verdict};
pub use self::delivery::{Account, Issue, IssuesReceived, Label, Repository};

/// An issue was triaged.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("github/issue.triaged")]
pub struct IssueTriaged {
    /// The repository, with its owner.
    pub repository: String,
    /// The issue's number in it.
    pub number: u64,
    /// The issue's title.
    pub title: String,
    /// Where to read it.
    pub url: String,
    /// Who wrote it.
    pub author: String,
    /// Of which kind it is.
    pub kind: Kind,
    /// Why we think so.
    pub reasons: Vec<String>,
    /// The issue in a sentence or two.
    pub summary: String,
}

/// What became of a delivery.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Outcome {
    /// The issue was triaged.
    Triaged {
        /// Of which kind it is.
        kind: Kind,
        /// Why we think so.
        reasons: Vec<String>,
        /// The issue in a sentence or two.
        summary: String,
        /// The id of the event that says so.
        event: String,
    },
    /// The delivery is about something else.
    Ignored {
        /// What happened to the issue.
        action: String,
        /// Why that is nothing to us.
        reason: String,
    },
}

/// Triages an issue when it is opened.
#[function(
    id = "github-issue-triage",
    name = "Triage GitHub issues",
    on(IssuesReceived),
    retries = 3
)]
pub async fn triage(ctx: Ctx, delivery: IssuesReceived) -> Result<Outcome> {
    let IssuesReceived { action, issue, repository, .. } = delivery;
    if action != "opened" {
        let reason = "only issues that were just opened are triaged".to_owned();
        return Ok(Outcome::Ignored { action, reason });
    }

    let verdict: Verdict = ctx.step("classify", async |_io| Ok(classify::classify(&issue))).await?;
    let summary = ctx
        .step("summarize", async |_io| {
            let summary = summary::summarize(&issue);
            log::info!(
                "{}#{} is a {:?}: {summary}",
                repository.full_name,
                issue.number,
                verdict.kind
            );
            Ok(summary)
        })
        .await?;

    let triaged = IssueTriaged {
        repository: repository.full_name,
        number: issue.number,
        title: issue.title,
        url: issue.html_url,
        author: issue.user.login,
        kind: verdict.kind,
        reasons: verdict.reasons.clone(),
        summary: summary.clone(),
    };
    let event = ctx.send("announce", triaged).await?;
    Ok(Outcome::Triaged { kind: verdict.kind, reasons: verdict.reasons, summary, event })
}

component![triage];

#[cfg(test)]
mod tests;
