//! The personal data server, which holds what may be recalled too.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::gate::Verdict;
use crate::observer::Observation;
use crate::session::Session;
use crate::settings::Settings;
use crate::store::id;

/// How many records one run writes at most.
const MOST: usize = 25;
/// What records are called there.
const COLLECTION: &str = "dev.joelclaw.memory.observation";
/// The secret that lets us write.
const KEY: &str = "pds_access_token";
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server took.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Records that are there.
    pub written: u64,
    /// Those that it refused.
    pub errors: u64,
    /// Whether there is no such server.
    pub off: bool,
}

/// Puts records there, each under the id of its observation. What is refused fails nothing.
pub(crate) async fn write(io: &Io, session: &Session, all: &[Observation]) -> Written {
    let Some((url, repo)) = Settings::read(io).pds else {
        return Written { off: true, ..Written::default() };
    };
    let mut written = Written::default();
    let allowed = all.iter().filter(|one| one.gate.verdict == Verdict::Allow);
    for observation in allowed.take(MOST) {
        match put(io, &url, &repo, session, observation).await {
            Ok(()) => written.written += 1,
            Err(error) => {
                log::warn!("the personal data server has no record of an observation: {error}");
                written.errors += 1;
            }
        }
    }
    written
}

async fn put(io: &Io, url: &str, repo: &str, session: &Session, one: &Observation) -> Result<()> {
    let key = id(session, one);
    let record = json!({
        "$type": COLLECTION,
        "observation": one.text,
        "category": one.gate.category,
        "sessionId": session.session_id,
        "createdAt": session.captured_at,
    });
    let body = json!({ "repo": repo, "collection": COLLECTION, "rkey": key, "record": record });
    let token = outside::token(io, KEY)?;
    io.http()
        .post(format!("{url}/xrpc/com.atproto.repo.putRecord"))
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", format!("{}:{key}", io.idempotency_key()))
        .json(&body)
        .timeout(PATIENCE)
        .send()
        .await?
        .ok()?;
    Ok(())
}
