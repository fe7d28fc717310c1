//! Attempts with programs.

use system_bus_sdk::prelude::*;
use system_bus_sdk::shell::ShellError;

use super::attempts;

/// A program as an event asks for it.
#[derive(Deserialize)]
struct Attempt {
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    variables: Vec<(String, String)>,
    folder: Option<(String, String)>,
}

#[function(id = "tries-programs", on("testing/programs.tried"), retries = 1)]
pub(super) async fn tries_programs(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let mut all = Vec::new();
        for attempt in attempts::<Attempt>(&event)? {
            all.push(told(&io, attempt).await);
        }
        Ok(all)
    })
    .await
}

async fn told(io: &Io, attempt: Attempt) -> String {
    let mut command = io.shell().program(attempt.program).args(attempt.arguments);
    for (name, value) in attempt.variables {
        command = command.env(name, value);
    }
    if let Some((root, path)) = attempt.folder {
        command = command.folder(root, path);
    }
    match command.run().await {
        Ok(output) => format!("ran: {}", output.text()),
        Err(ShellError::Failed { ending, output, .. }) => {
            format!("{ending:?} after {} bytes: {:.200}", output.stdout.len(), output.text())
        }
        Err(ShellError::Refused(refused)) => format!("{:?}: {refused}", refused.reason()),
        Err(other) => other.to_string(),
    }
}
