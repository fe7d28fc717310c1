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

/// What stands for a placeholder of the secret `key` in an event.
const KEY: &str = "{key}";

impl Asked {
    fn command(self, io: &Io) -> Result<Command> {
        let texts = self.variables.iter().map(|(_, value)| value).chain(&self.arguments);
        let key = if texts.chain([&self.input]).any(|text| text.contains(KEY)) {
            io.secrets().placeholder("key")?.as_str().to_owned()
        } else {
            KEY.to_owned()
        };
        let arguments = self.arguments.into_iter().map(|argument| argument.replace(KEY, &key));
        let input = self.input.replace(KEY, &key);
        let mut command = io.shell().program(self.program).args(arguments).input(input);
        for (name, value) in self.variables {
            command = command.env(name, value.replace(KEY, &key));
        }
        if let Some((root, path)) = self.folder {
            command = command.folder(root, path);
        }
        Ok(match self.within {
            Some(within) => command.within(Duration::from_millis(within)),
            None => command,
        })
    }
}

/// Runs a program and tells what came of it, in words.
#[function(id = "tells", on("testing/shell.requested"), retries = 4)]
async fn tells(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    ctx.step("run", async |io| {
        let asked: Asked = serde_json::from_value(event.data.clone()).stop()?;
        Ok(match asked.command(&io)?.run().await {
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
        Ok(asked.command(&io)?.run().await?.text())
    })
    .await
}

/// Runs a program and keeps how much it wrote.
#[function(id = "counts", on("testing/shell.requested"), retries = 4)]
async fn counts(ctx: Ctx, event: Incoming<Value>) -> Result<usize> {
    ctx.step("run", async |io| {
        let asked: Asked = serde_json::from_value(event.data.clone()).stop()?;
        Ok(asked.command(&io)?.run().await?.stdout.len())
    })
    .await
}

component![tells, fails, counts];
