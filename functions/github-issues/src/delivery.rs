//! What GitHub delivers about issues, as far as triage needs it.

use system_bus_sdk::prelude::*;

/// A delivery of GitHub's `issues` webhook, as it came.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("github/issues.received")]
pub struct IssuesReceived {
    /// What happened: `opened`, `edited`, `labeled`, `closed` and so on.
    pub action: String,
    /// To which issue.
    pub issue: Issue,
    /// Of which repository.
    pub repository: Repository,
    /// By whom.
    pub sender: Account,
}

/// An issue.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text; GitHub says `null` where there is none.
    #[serde(default)]
    pub body: Option<String>,
    /// Where to read it.
    pub html_url: String,
    /// Who wrote it.
    pub user: Account,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// `open` or `closed`.
    pub state: String,
}

/// Somebody with an account.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Account {
    /// The name of the account.
    pub login: String,
}

/// A label of an issue.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Label {
    /// What it says.
    pub name: String,
}

/// A repository.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Repository {
    /// Its name, with its owner.
    pub full_name: String,
}
