//! Attempts with what is around every program: its environment, and the host that it calls.

use system_bus_sdk::prelude::*;

use super::attempts;

#[function(id = "tries-itself", on("testing/itself.tried"), retries = 1)]
pub(super) async fn tries_itself(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let attempts = attempts::<String>(&event)?;
        Ok(attempts.iter().map(|what| look(&io, what)).collect())
    })
    .await
}

fn look(io: &Io, what: &str) -> String {
    let found = match what {
        "environment" => std::env::vars().map(|(name, value)| format!("{name}={value}")).collect(),
        "arguments" => std::env::args().collect(),
        // Whatever opens files without asking the host by name.
        "files" => ["/", ".", "/etc/passwd", "/proc/self/environ"]
            .iter()
            .filter(|path| std::fs::metadata(path).is_ok())
            .map(ToString::to_string)
            .collect(),
        "bomb" => loop {
            // For as long as the step may last.
            let _ = io.fs().root("files").metadata("");
        },
        other => vec![format!("{other} is no attempt")],
    };
    if found.is_empty() { "nothing is there".to_owned() } else { found.join(" ") }
}
