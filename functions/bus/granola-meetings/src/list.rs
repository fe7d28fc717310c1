//! Lists meetings, in the limit of the account.

use system_bus_sdk::prelude::*;

use crate::events::{Meeting, Range};
use crate::granola;

/// Lists the meetings of a span of time. Whoever asks Granola carries the limit, so it is a function of its own.
#[function(
    id = "granola-list-meetings",
    name = "List the meetings of Granola",
    on(Range),
    concurrency(limit = 1, key = "\"granola-mcp\"", scope = "account"),
    retries = 3
)]
pub async fn granola_list(ctx: Ctx, range: Range) -> Result<Vec<Meeting>> {
    ctx.step("list-meetings", async |io| granola::meetings(&io, &range).await).await
}
