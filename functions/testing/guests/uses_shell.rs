//! Runs programs, and tries what it may not.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;
use system_bus_sdk::shell::{Command, ShellError};

/// A program as an event asks for it.
#[derive(Deserialize)]
struct Asked {
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    variables: Vec<(String, String)>,
    folder: Option<(String, String)>,
    #[serde(default)]
    input: String,
    within: Option<u64>,
}

impl Asked {
    fn command(self, io: &Io) -> Command {
        let mut command = io.shell().program(self.program).args(self.arguments).input(self.input);
        for (name, value) in self.variables {
            command = command.env(name, value);
        }
        if let Some((root, path)) = self.folder {
            command = command.folder(root, path);
        }
        match self.within {
            Some(within) => command.within(Duration::from_millis(within)),
            None => command,
        }
    }
}

/// Runs a program and tells what came of it, in words.
#[function(id = "tells", on("testing/shell.requested"), retries = 4)]
async fn tells(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    ctx.step("run", async |io| {
        let asked: Asked = serde_json::from_value(event.data.clone()).stop()?;
        Ok(match asked.command(&io).run().await {
            Ok(output) => format!("{}|{}", output.text(), String::from_utf8_lossy(&output.stderr)),
            Err(ShellError::Failed { ending, output, .. }) => {
                format!("{ending:?} after {} bytes: {:.200}", output.stdout.len(), output.text())
            }
            Err(ShellError::Refused(refused)) => format!("{:?}: {refused}", refused.reason()),
            Err(other) => other.to_string(),
        })
    })
    .await
}

/// Lets the failure of a program end the step.
#[function(id = "fails", on("testing/shell.requested"), retries = 4)]
async fn fails(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    ctx.step("run", async |io| {
        let asked: Asked = serde_json::from_value(event.data.clone()).stop()?;
        Ok(asked.command(&io).run().await?.text())
    })
    .await
}

component![tells, fails];
