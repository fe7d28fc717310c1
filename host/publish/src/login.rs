//! A login to a registry in a Docker configuration that is thrown away: the operator's own stays as it is (R71).

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::step::{Step, found};

/// Where the throw-away configuration is, as a person is told.
const SHOWN: &str = "/tmp/publish-docker";

/// The configuration. Removed when this is dropped, whatever has happened.
pub(crate) struct Login {
    folder: tempfile::TempDir,
    pub(crate) account: Option<Account>,
}

/// Who publishes.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) token: String,
}

impl Login {
    /// Makes the configuration, and logs in where the registry wants that: one of this machine does not.
    pub(crate) async fn start(builder: &str, registry: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("publish-docker-").tempdir();
        let folder = folder.context("the throw-away Docker configuration cannot be made")?;
        let account = account(registry).await?;
        let login = Self { folder, account };
        if let Some(account) = &login.account {
            step(builder, registry, login.path(), &account.user, account.token.clone())
                .run()
                .await?;
        }
        Ok(login)
    }

    /// The folder, for `DOCKER_CONFIG`.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The lines of it, for `--print`.
pub(crate) fn printed(builder: &str, registry: &str) -> (PathBuf, Vec<String>) {
    let folder = PathBuf::from(SHOWN);
    let mut lines = vec![format!("mkdir -m 700 {SHOWN}")];
    if !is_loopback(registry) {
        lines.push(step(builder, registry, &folder, "YOU", String::new()).words());
    }
    (folder, lines)
}

/// The last line of it.
pub(crate) fn thrown_away() -> String {
    format!("rm -r {SHOWN}")
}

fn step(builder: &str, registry: &str, folder: &Path, user: &str, token: String) -> Step {
    Step::new(builder, &["login", registry, "--username", user, "--password-stdin"])
        .with("DOCKER_CONFIG", folder)
        .with("REGISTRY_AUTH_FILE", &folder.join("config.json"))
        .reading(token, "gh auth token")
}

fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Who we are there: as the environment says, or as `gh` does.
pub(crate) async fn account(registry: &str) -> anyhow::Result<Option<Account>> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let token = variable("REGISTRY_TOKEN").or_else(|| variable("GHCR_TOKEN"));
    if token.is_none() && is_loopback(registry) {
        return Ok(None);
    }
    if token.is_none() && found("gh").is_none() {
        bail!(
            "nobody says how to log in to {registry}: set REGISTRY_USER and REGISTRY_TOKEN, or install `gh` and log in with it"
        );
    }
    let token = match token {
        Some(token) => token,
        None => Step::new("gh", &["auth", "token"]).run().await?.trim().to_owned(),
    };
    let user = match variable("REGISTRY_USER") {
        Some(user) => user,
        None => Step::new("gh", &["api", "user", "--jq", ".login"]).run().await?.trim().to_owned(),
    };
    Ok(Some(Account { user, token }))
}
