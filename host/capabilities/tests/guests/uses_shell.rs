//! Programs, for a real component: real processes in real folders.

#[cfg(target_os = "linux")]
mod bombs;
mod endings;
mod hostile;
mod limits;
mod secrets;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use capabilities::grants;
use capabilities::secrets::Vault;
use capabilities::shell::{Launcher, Provider};
use runtime::Limits;
use runtime::placement::Capability;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::Site;

/// Much longer than any of these programs may last.
const PATIENCE: Duration = Duration::from_secs(25);

/// A component that may run `sh` (with scripts of these tests), `echo`, `cat` and `env`.
struct Desk {
    site: Site,
    folder: TempDir,
    providers: Vec<Arc<dyn runtime::Provider>>,
}

const GRANTS: &str = r#"
[programs.script]
path = "/bin/sh"
variables = { PATH = "/usr/bin:/bin", GIVEN = "by the grant" }
[programs.echo]
path = "/bin/echo"
[programs.cat]
path = "/bin/cat"
[programs.gone]
path = "/not/there"
[programs.changed]
path = "/bin/cat"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
[components.uses-shell]
shell = [
    { program = "script", arguments = ["-c", "*"], variables = ["ADDED"], output = "64 KiB", processes = 8 },
    { program = "echo", arguments = ["*"] },
    { program = "cat" },
    { program = "gone" },
    { program = "changed" },
    { program = "same" },
]
fs = [{ root = "notes" }]
"#;

impl Desk {
    async fn new() -> Self {
        Self::with("", "").await
    }

    /// The same, where the operator has written more: whole tables, and lines of the component's `shell`.
    async fn with(tables: &str, lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("notes")).expect("made");
        Self::within(folder, tables, lines, "").await
    }

    /// The same in a folder with `notes` in it, for which `$F` stands, and with more keys of the component.
    async fn within(folder: TempDir, tables: &str, lines: &str, keys: &str) -> Self {
        let same = protocol::digest::Digest::of(&fs::read("/bin/cat").expect("cat"));
        let text = format!(
            "[roots.notes]\npath = '$F/notes'\n[programs.same]\npath = '/bin/cat'\nsha256 = '{same}'\n{tables}\n{GRANTS}{keys}"
        );
        let text = text.replace("shell = [", &format!("shell = [\n{lines}"));
        let text = text.replace("$F", folder.path().to_str().expect("a path"));
        let grants = grants::parse(&text).expect("grants");
        let scratch = folder.path().join("scratch");
        let roots = capabilities::fs::Roots::open(&grants, &scratch, Duration::MAX).expect("roots");
        let vault = Vault::open(&grants).expect("a vault");
        let launcher = Launcher::new(env!("CARGO_BIN_EXE_launch"), []);
        let programs = Provider::new(&grants, Arc::new(roots), Arc::clone(&vault), launcher);
        let programs = programs.expect("programs");
        let secrets = capabilities::secrets::Provider::new(vault);
        let providers: Vec<Arc<dyn runtime::Provider>> =
            vec![Arc::new(programs), Arc::new(secrets)];
        let site = Site::new(guests::USES_SHELL, providers.clone()).await;
        Self { site, folder, providers }
    }

    /// The same within other limits.
    async fn limited(self, limits: Limits) -> Self {
        let site = Site::within(limits, guests::USES_SHELL, self.providers.clone()).await;
        Self { site, ..self }
    }

    /// What came of a command, in words.
    async fn tells(&self, command: Value) -> String {
        let said = self.site.run("tells", command).await;
        let json = said.strip_prefix("done ").unwrap_or_else(|| panic!("{said}"));
        serde_json::from_str(json).expect("a text")
    }

    /// The same for a script.
    async fn script(&self, script: &str) -> String {
        self.tells(json!({ "program": "script", "arguments": ["-c", script] })).await
    }

    fn denied(&self) -> u64 {
        self.site.runtime.usage()["uses-shell"].of(Capability::Shell).denied
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_input_and_answers_with_both_streams() {
    let desk = Desk::new().await;
    let input = "many words ".repeat(50_000);
    let told = desk.tells(json!({ "program": "cat", "input": input })).await;
    assert_eq!(told, format!("{input}|"));
    assert_eq!(desk.script("echo out; echo err >&2").await, "out\n|err\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_runs_in_a_granted_folder_or_in_that_of_the_run() {
    let desk = Desk::new().await;
    fs::write(desk.folder.path().join("notes/here"), "").expect("written");
    let command =
        json!({ "program": "script", "arguments": ["-c", "ls"], "folder": ["notes", ""] });
    assert_eq!(desk.tells(command).await, "here\n|");
    assert!(desk.script("pwd -P").await.contains(crate::site::RUN));
    let command = json!({ "program": "cat", "folder": ["notes", "../.."] });
    assert!(desk.tells(command).await.starts_with("Denied: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_succeed_is_an_error_with_its_output() {
    let desk = Desk::new().await;
    assert_eq!(desk.script("echo so far; exit 3").await, "Exited(3) after 7 bytes: so far\n");
    assert_eq!(desk.script("kill -9 $$").await, "Killed(9) after 0 bytes: ");
    let said = desk
        .site
        .run("fails", json!({ "program": "script", "arguments": ["-c", "echo why >&2; exit 1"] }))
        .await;
    assert!(said.contains("ProgramFailed") && said.contains("ended with the code 1"), "{said}");
    assert!(said.contains("why") && said.contains("Backoff") | said.contains("Again"), "{said}");
    let said = desk.site.run("fails", json!({ "program": "git" })).await;
    assert!(said.contains("CapabilityDenied") && said.contains("Never"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_missing_or_changed_is_refused() {
    let desk = Desk::new().await;
    let told = desk.tells(json!({ "program": "gone" })).await;
    assert!(told.starts_with("Missing: /not/there was not started"), "{told}");
    let told = desk.tells(json!({ "program": "changed" })).await;
    assert!(told.contains("its SHA-256 is"), "{told}");
    assert_eq!(desk.tells(json!({ "program": "same", "input": "x" })).await, "x|");
}
