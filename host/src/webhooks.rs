//! The gateway of webhooks, wired: its providers, its secrets, its spool, and the server behind it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use capabilities::Grants;
use capabilities::secrets::Vault;
use clap::Args;
use gateway::limits::Limits;
use gateway::spool::SpoolOptions;
use gateway::{EventApi, Gateway, Options, Providers, Secret, Secrets};

use crate::cli::cache::bytes;
use crate::config::Events;

/// What a gateway takes, and where it keeps it.
#[derive(Debug, Clone, Args)]
pub(crate) struct WebhookArgs {
    /// A folder of further providers, each a file NAME.toml: docs/webhooks.md
    #[arg(long, env = "SYSTEM_BUS_PROVIDERS", value_name = "DIR")]
    pub(crate) providers: Option<PathBuf>,
    /// The folder where deliveries wait until the server has them; each gateway needs its own
    #[arg(
        long,
        env = "SYSTEM_BUS_SPOOL",
        value_name = "DIR",
        default_value = ".system-bus/webhooks"
    )]
    pub(crate) spool: PathBuf,
    /// How much may wait there; beyond, senders are asked to come again
    #[arg(long, env = "SYSTEM_BUS_SPOOL_LIMIT", value_name = "SIZE", default_value = "256MiB", value_parser = bytes)]
    pub(crate) spool_limit: u64,
    /// How long something may wait there before it is put to the dead letters
    #[arg(long, env = "SYSTEM_BUS_SPOOL_AGE", value_name = "TIME", default_value = "72h", value_parser = super::cli::duration)]
    pub(crate) spool_age: std::time::Duration,
    /// The longest body of a delivery
    #[arg(long, env = "SYSTEM_BUS_WEBHOOK_BODY", value_name = "SIZE", default_value = "256KiB", value_parser = bytes)]
    pub(crate) webhook_body: u64,
    /// Deliveries a second of each provider; for a moment twice as many
    #[arg(long, env = "SYSTEM_BUS_WEBHOOK_RATE", value_name = "N", default_value_t = Limits::default().provider_rate)]
    pub(crate) webhook_rate: u32,
    /// Deliveries a second from each address; for a moment twice as many
    #[arg(long, env = "SYSTEM_BUS_WEBHOOK_ADDRESS_RATE", value_name = "N", default_value_t = Limits::default().address_rate)]
    pub(crate) webhook_address_rate: u32,
    /// Refused deliveries a minute from an address, before it is not listened to for a while
    #[arg(long, env = "SYSTEM_BUS_WEBHOOK_REFUSED", value_name = "N", default_value_t = Limits::default().refused)]
    pub(crate) webhook_refused: u32,
    /// How many proxies of yours stand before the gateway and add to x-forwarded-for whom they have a delivery from
    #[arg(long, env = "SYSTEM_BUS_PROXIES", value_name = "N", default_value_t = 0)]
    pub(crate) proxies: usize,
}

impl WebhookArgs {
    fn limits(&self) -> Limits {
        Limits {
            provider_rate: self.webhook_rate.max(1),
            address_rate: self.webhook_address_rate.max(1),
            refused: self.webhook_refused.max(1),
            body: usize::try_from(self.webhook_body).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }

    /// Starts the gateway.
    pub(crate) async fn start(&self, grants: &Grants) -> anyhow::Result<Gateway> {
        let providers = match &self.providers {
            None => Providers::built_in(),
            Some(folder) => match Providers::with_folder(folder) {
                Ok(providers) => providers,
                Err(problems) => {
                    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
                    bail!("{} holds what is no provider:\n{}", folder.display(), told.join("\n"));
                }
            },
        };
        let events = Events::parse(|name| std::env::var(name).ok())?;
        let secrets = tokio::task::block_in_place(|| HostSecrets::open(grants, &providers))?;
        let gateway = Gateway::start(Options {
            providers,
            secrets: Arc::new(secrets),
            spool: SpoolOptions {
                bytes: self.spool_limit,
                age: self.spool_age,
                ..SpoolOptions::new(self.spool.clone())
            },
            events: EventApi { origin: events.origin, key: events.key, env: events.env },
            limits: self.limits(),
            proxies: self.proxies,
        })
        .await
        .context("the webhook gateway")?;
        Ok(gateway)
    }
}

/// Secrets of the file of grants, and of the environment: `github_webhook_secret` is `GITHUB_WEBHOOK_SECRET` there.
struct HostSecrets {
    vault: Arc<Vault>,
}

impl HostSecrets {
    fn open(grants: &Grants, providers: &Providers) -> anyhow::Result<Self> {
        let mut names: Vec<&str> = providers.iter().flat_map(gateway::Provider::secrets).collect();
        names.sort_unstable();
        let wanted = |name: &str| {
            let name = name.strip_suffix("_previous").unwrap_or(name);
            names.binary_search(&name).is_ok()
        };
        Ok(Self { vault: Vault::of_host(grants, wanted)? })
    }
}

impl Secrets for HostSecrets {
    fn secret(&self, name: &str) -> Option<Secret> {
        if let Some(bytes) = self.vault.bytes(name) {
            return Secret::new(bytes);
        }
        let variable = name.to_ascii_uppercase().replace('-', "_");
        Secret::new(std::env::var(variable).ok()?.trim().as_bytes())
    }
}

/// Which providers can take anything, in a line.
pub(crate) fn words(gateway: &Gateway) -> String {
    let (ready, not): (Vec<_>, Vec<_>) =
        gateway.providers().into_iter().partition(|(_, ready)| *ready);
    let names = |list: Vec<(String, bool)>| {
        let names: Vec<_> = list.into_iter().map(|(name, _)| name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    format!("webhooks: {}; without a secret: {}", names(ready), names(not))
}
