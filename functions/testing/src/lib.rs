//! What the test guests share: telling a test that a body has run.

pub mod mark;
pub mod versioned;

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

/// The event data of most guests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Where to report each body that runs: `POST <count>/<step>`. Absent: nowhere.
    pub count: Option<String>,
    /// How often a failing body fails before it succeeds.
    #[serde(default)]
    pub failures: u32,
    /// How long a body waits, in milliseconds.
    #[serde(default)]
    pub wait: u64,
}

impl Asked {
    /// Reports that the body of a step runs, and waits for as long as the test asks. The receiver answers when it
    /// wants the body to go on.
    pub async fn ran(&self, io: &Io, step: &str) -> Result<()> {
        if let Some(count) = &self.count {
            let url = format!("{count}/{step}?wait={}", self.wait);
            io.http().post(url).timeout(Duration::from_mins(1)).send().await.retry()?;
        }
        Ok(())
    }
}
