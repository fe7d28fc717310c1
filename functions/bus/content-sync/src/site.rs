//! Changes that several functions make.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::convex::Convex;
use crate::report::Problem;
use crate::settings::Settings;

/// Removes records. What goes wrong with one does not keep the others.
pub(crate) async fn remove(
    convex: &Convex<'_>,
    records: &[String],
) -> Result<(Vec<String>, Vec<Problem>)> {
    let (mut removed, mut problems) = (Vec::new(), Vec::new());
    for record in records {
        match convex.remove(record).await {
            Ok(()) => removed.push(record.clone()),
            Err(error) => problems.push(Problem::of(record, &error)),
        }
    }
    Ok((removed, problems))
}

/// Tells the site what to read again. Answers with whether there is a site to tell.
pub(crate) async fn revalidate(io: &Io, settings: &Settings, tags: &[String]) -> Result<bool> {
    let Some(url) = &settings.revalidate else { return Ok(false) };
    let token = outside::token(io, "revalidation_secret")?;
    let request = io.http().post(url).header("x-revalidation-secret", token);
    let request = request.header("idempotency-key", io.idempotency_key());
    let request = request.json(&json!({ "tags": tags })).timeout(Duration::from_secs(15));
    request.send().await?.ok()?;
    Ok(true)
}
