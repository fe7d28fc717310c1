//! Questions to models: a `pi` that these tests write, and a server that speaks like `OpenAI`'s.

mod command;
mod fallback;
mod limits;
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capabilities::Grants;
use capabilities::inference::{Environment, Lookup, Provider};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::Site;

/// More than anything here takes that does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a `pi` in it.
struct Machine {
    folder: TempDir,
}

impl Machine {
    /// `script` is what `pi` does. It runs where nothing is but this folder and the system's own programs.
    fn with_pi(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pi = folder.path().join("pi");
        let here = folder.path().display();
        fs::write(&pi, format!("#!/bin/sh\nhere='{here}'\n{script}\n")).expect("a script");
        fs::set_permissions(&pi, fs::Permissions::from_mode(0o755)).expect("a program");
        Self { folder }
    }

    fn environment(&self) -> Environment {
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        Environment { path: path.into(), home: Some(self.folder.path().into()) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `pi` wrote into a file here.
    fn wrote(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).expect(name)
    }

    /// Waits until `pi` has written a process's id into a file.
    async fn pid(&self, name: &str) -> u32 {
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(self.file(name)).unwrap_or_default();
            if let Ok(pid) = text.trim().parse() {
                return pid;
            }
            assert!(began.elapsed() < PATIENCE, "{name} was never written");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Waits until a process is gone. One that nobody has waited for yet is gone too.
async fn gone(pid: u32) {
    let began = Instant::now();
    let runs = || {
        let command = ["-o", "stat=", "-p", &pid.to_string()];
        let output = std::process::Command::new("ps").args(command).output().expect("ps");
        let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        !state.is_empty() && !state.starts_with('Z')
    };
    while runs() {
        assert!(began.elapsed() < PATIENCE, "{pid} still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A worker with these grants, on this machine; without a grant the component may ask.
async fn site(machine: &Machine, grants: &str) -> Site {
    let granted = format!("{grants}\n[components.uses-inference.inference]\nmodels = ['large']\n");
    site_as_written(machine, &granted).await
}

async fn site_as_written(machine: &Machine, grants: &str) -> Site {
    let grants: Grants = capabilities::grants::parse(grants).expect("grants");
    let lookup: Lookup = Arc::new(|name| (name == "models").then(|| "sk-very-secret".to_owned()));
    let provider = Provider::new(Arc::new(grants), machine.environment(), lookup);
    Site::new(guests::USES_INFERENCE, vec![Arc::new(provider.expect("a provider"))]).await
}

/// Asks, and takes the answer apart: what came back, or how the step failed.
async fn ask(site: &Site, question: Value) -> Result<Value, String> {
    let answer = site.run("asks", question).await;
    match answer.strip_prefix("done ") {
        Some(json) => Ok(serde_json::from_str(json).expect("JSON")),
        None => Err(answer),
    }
}

#[tokio::test]
async fn a_component_without_a_grant_asks_nobody() {
    let machine = Machine::with_pi("echo asked > $here/asked; echo yes");
    let site = site_as_written(&machine, "[components.other.inference]").await;
    let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("no grant");
    assert!(refused.contains("CapabilityDenied"), "{refused}");
    assert!(refused.contains("[components.uses-inference.inference]"), "{refused}");
    assert!(!machine.file("asked").exists());
}

#[tokio::test]
async fn a_model_that_is_not_granted_is_denied_and_a_question_that_is_none_is_refused() {
    let machine = Machine::with_pi("echo asked > $here/asked; echo yes");
    let site = site(&machine, "").await;
    for (question, says) in [
        (json!({"prompt": "why", "model": "huge"}), "CapabilityDenied: the component"),
        (json!({"prompt": "why", "model": "--tools"}), "CapabilityInvalid: a model's name"),
        (json!({"prompt": " "}), "CapabilityInvalid: the prompt is empty"),
        (json!({"prompt": "why", "within": 0}), "CapabilityInvalid: `within` is 0"),
        (json!({"prompt": "why", "schema": {"pattern": "a"}}), "CapabilityInvalid: the keyword"),
    ] {
        let refused = ask(&site, question).await.expect_err("refused");
        assert!(refused.contains(says), "{refused}");
    }
    assert!(!machine.file("asked").exists());
}
