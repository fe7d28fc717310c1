//! `worker`: serves components to an Inngest server.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use protocol::id::AppId;
use protocol::role::Role;
use protocol::signature::Trust;
use registry::folder::{Folder, FolderOptions};
use registry::judge::Policy;
use registry::oci::{ComponentReference, Credentials, Oci, OciOptions};
use registry::source::Source;
use registry::{Percent, RegistryOptions, Rules};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use worker::connect::Transport;
use worker::{Access, Beside};

use crate::cli::Worker;
use crate::cli::deploy::{DeployArgs, Roles};
use crate::config::{self, Inngest};
use crate::granting::GrantsFile;
use crate::operate::admin_token;
use crate::serving::{self, Duplicates, Serving};
use crate::{answer, elsewhere, release, shutdown, supervisor, webhooks};

/// How long a worker that takes over may need to register.
const TAKE_OVER: Duration = Duration::from_mins(1);

pub(crate) async fn run(args: Worker, json: bool) -> anyhow::Result<ExitCode> {
    match serve(args, json).await {
        Err(error) if error.is::<Duplicates>() => {
            answer::failed(json, "worker", &error);
            Ok(ExitCode::from(serving::DUPLICATE))
        }
        result => result,
    }
}

async fn serve(args: Worker, json: bool) -> anyhow::Result<ExitCode> {
    let grants = GrantsFile::read(args.grants.grants.as_deref())?;
    let plan = Plan::new(&args)?;
    let runtime = tokio::task::block_in_place(|| {
        grants.runtime(
            &args.deploy.versions,
            args.limits.limits(),
            args.http.allow.clone(),
            args.cache.compilation(),
        )
    })?;
    let replace = args.take_over.replace.clone();
    for old in &replace {
        can_be_replaced(old).await?;
    }
    let (mut followed, released) = release::start(args.deploy.release.as_ref()).await?;
    let watching = args.deploy.watch.then(|| args.deploy.canary.unwrap_or(Percent::ALL));
    let registry = serving::open(
        runtime,
        registry_options(&args.deploy)?,
        source(&args.deploy, released, args.cache.memory())?,
        watching,
    )
    .await?;
    let present = registry.present();
    if present.functions().next().is_none() {
        let refused = registry.rejected().len();
        bail!(
            "{} holds no component that can be used ({refused} refused); build some with `system-bus build`",
            args.deploy.components.display()
        );
    }
    // Before this worker takes anything over.
    grants.check_found(&registry)?;
    let generations = registry.watch();
    let mut told = elsewhere::Told::default();
    told.warn(&present, plan.roles.each());
    let gateway =
        if args.webhooks { Some(args.webhook.start(grants.grants()).await?) } else { None };
    let beside = gateway.as_ref().map(|gateway| Beside {
        routes: gateway.router().merge(plan.access.guard(gateway.operators())),
        figures: vec![gateway.figures()],
    });
    let mut workers = plan.workers()?;
    let elected = release::elect(args.lease.as_ref(), &mut workers).await?;
    let taking = Arc::clone(&registry);
    let serving = Serving::start(registry, watching, workers, beside).await?;
    let mut words = plan.words(&serving)?;
    if let Some(gateway) = &gateway {
        let _ = write!(words, "\n  {}", webhooks::words(gateway));
    }
    answer::ready(json, &plan.up(&serving)?, &words);
    supervisor::ready();
    if !replace.is_empty() {
        serving.registered(TAKE_OVER).await?;
        for old in &replace {
            // The server calls this one already: whatever the old one says, somebody has to answer.
            if let Err(error) = take_over(old).await {
                tracing::error!(%old, error = format!("{error:#}"), "the old worker was not told; stop it by hand, before it registers again");
            }
        }
    }
    tokio::select! {
        () = shutdown::asked() => {
            supervisor::stopping();
            tracing::info!("stopping: calls that run are finished first");
        }
        () = serving.retired() => tracing::info!("another worker has taken over, and no call has come since; ending"),
        never = told.follow(generations, plan.roles.each()) => match never {},
        never = release::go_on(followed.as_mut(), &taking) => match never {},
        blocked = serving.blocked() => {
            serving.shutdown().await;
            return Err(blocked.into());
        }
    }
    // Another one registers while this one still ends its calls.
    release::end(elected, followed).await;
    serving.shutdown().await;
    if let Some(gateway) = gateway {
        gateway.shutdown().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that a worker is there and will listen, before anything is taken from it.
async fn can_be_replaced(old: &Url) -> anyhow::Result<()> {
    let url = old.join("api/functions").with_context(|| old.to_string())?;
    let mut request = reqwest::Client::new().get(url);
    if let Some(token) = admin_token() {
        request = request.bearer_auth(token);
    }
    let why = "check --replace; nothing was changed";
    let answer =
        request.send().await.with_context(|| format!("no worker answers at {old}; {why}"))?;
    if !answer.status().is_success() {
        let said = answer.text().await.unwrap_or_default();
        bail!("the worker at {old} would refuse to retire ({said}); {why}");
    }
    Ok(())
}

/// Tells a worker that this one has taken over.
async fn take_over(old: &Url) -> anyhow::Result<()> {
    let url = old.join("api/retire").with_context(|| old.to_string())?;
    let mut request = reqwest::Client::new().post(url.clone());
    if let Some(token) = admin_token() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.with_context(|| format!("{url}: the old worker"))?;
    if !answer.status().is_success() {
        bail!(
            "{url}: the old worker refuses to retire: {}",
            answer.text().await.unwrap_or_default()
        );
    }
    tracing::info!(%old, "taken over; it answers what it has, and ends");
    Ok(())
}

/// What the workers are told, but for what differs by role.
struct Plan {
    roles: Roles,
    app: Option<AppId>,
    listen: SocketAddr,
    listen_cluster: Option<SocketAddr>,
    inngest: Inngest,
    access: Access,
    neighbours: Vec<AppId>,
    checkpoints: bool,
    transport: Transport,
    drain: Duration,
}

impl Plan {
    fn new(args: &Worker) -> anyhow::Result<Self> {
        let inngest = Inngest::parse(|name| std::env::var(name).ok())?;
        let app = args.app.as_ref().map(|app| app.parse().context("--app")).transpose()?;
        if app.is_some() && args.deploy.role == Roles::Both {
            bail!("--app names the app of one role; say which with --role host or --role cluster");
        }
        let neighbours = args.neighbours.iter().map(|app| app.parse().context("--neighbour"));
        let drain = args.transport.drain;
        let transport = config::transport(args.transport.clone(), |name| std::env::var(name).ok())?;
        let access = match admin_token() {
            Some(token) => Access::token(&token, args.access.admin_loopback),
            None => Access::loopback(),
        };
        Ok(Self {
            roles: args.deploy.role,
            app,
            listen: args.listen,
            listen_cluster: args.listen_cluster,
            inngest,
            access,
            neighbours: neighbours.collect::<anyhow::Result<_>>()?,
            checkpoints: args.checkpoints,
            transport,
            drain,
        })
    }

    fn workers(&self) -> anyhow::Result<Vec<worker::Options>> {
        self.roles.each().iter().map(|role| self.worker(*role)).collect()
    }

    fn worker(&self, role: Role) -> anyhow::Result<worker::Options> {
        let inngest = &self.inngest;
        let both = self.roles == Roles::Both;
        let listen = if both {
            serving::listens(self.listen, role, self.listen_cluster)
        } else {
            self.listen
        };
        Ok(worker::Options {
            role,
            access: self.access.clone(),
            app: self.app.clone().unwrap_or_else(|| role.app()),
            app_version: None,
            listen,
            trust: inngest.trust.clone(),
            event_key: inngest.event_key.clone(),
            api_origin: inngest.api_origin.clone(),
            event_api_origin: inngest.event_api_origin.clone(),
            env: inngest.env.clone(),
            serve_origin: inngest.serve_origin.clone(),
            serve_path: inngest.serve_path.clone(),
            in_band_sync: inngest.in_band_sync,
            vault: inngest.vault.clone(),
            body_limit: worker::options::BODY_LIMIT,
            checkpoints: self.checkpoints,
            neighbours: self.neighbours.clone(),
            look_again: worker::options::LOOK_AGAIN,
            elected: None,
            transport: if both { apart(&self.transport, role)? } else { self.transport.clone() },
            drain: self.drain,
        })
    }

    fn mode(&self) -> &'static str {
        match self.inngest.trust {
            Trust::Dev => "dev",
            Trust::Signed(_) => "cloud",
        }
    }

    fn way(&self) -> &'static str {
        match self.transport {
            Transport::Serve => "serve",
            Transport::Connect(_) => "connect",
            Transport::Both(_) => "both",
        }
    }

    /// The line by which a program learns that it is up.
    fn up(&self, serving: &Serving) -> anyhow::Result<Value> {
        let present = serving.registry().present();
        let roles: serde_json::Map<_, _> = serving
            .addresses()
            .map(|(role, address)| {
                let functions = present.of_role(role).count();
                (
                    role.to_string(),
                    json!({ "address": address.to_string(), "functions": functions }),
                )
            })
            .collect();
        Ok(json!({
            "ok": true, "command": "worker", "address": serving.address()?.to_string(), "roles": roles,
            "functions": self.functions(serving), "generation": present.number(), "mode": self.mode(),
            "server": self.inngest.api_origin.to_string(), "transport": self.way(), "refused": left_out(serving),
        }))
    }

    fn functions(&self, serving: &Serving) -> usize {
        let present = serving.registry().present();
        self.roles.each().iter().map(|role| present.of_role(*role).count()).sum()
    }

    fn words(&self, serving: &Serving) -> anyhow::Result<String> {
        let (mode, way, server) = (self.mode(), self.way(), &self.inngest.api_origin);
        let (functions, address) = (self.functions(serving), serving.address()?);
        let mut words = if way == "connect" {
            format!(
                "serving {functions} functions by connecting to {server} ({mode} mode); health on http://{address}"
            )
        } else {
            format!(
                "serving {functions} functions on http://{address} ({mode} mode, server {server}, transport {way})"
            )
        };
        let present = serving.registry().present();
        for (role, address) in serving.addresses() {
            let count = present.of_role(role).count();
            // Writing to memory cannot fail.
            let _ = write!(words, "\n  role {role}: {count} functions, http://{address}");
        }
        let left_out = left_out(serving);
        if left_out > 0 {
            let _ = write!(
                words,
                "\n{left_out} left out because of their faults; see the log, or http://{address}/"
            );
        }
        Ok(words)
    }
}

fn left_out(serving: &Serving) -> usize {
    serving.registry().rejected().len() + serving.registry().present().refused().count()
}

/// Two workers of one process keep what they remember apart.
fn apart(transport: &Transport, role: Role) -> anyhow::Result<Transport> {
    let mut transport = transport.clone();
    if let Transport::Connect(options) | Transport::Both(options) = &mut transport
        && let Some(dir) = &mut options.state_dir
    {
        dir.push(role.name());
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    }
    Ok(transport)
}

fn registry_options(args: &DeployArgs) -> anyhow::Result<RegistryOptions> {
    let policy = args.policy.as_deref().map(policy).transpose()?;
    Ok(RegistryOptions {
        lead: args.lead,
        deadline: args.old_code,
        policy: policy.unwrap_or_default(),
        retention: Rules { keep: args.keep_versions, age: args.keep_for },
        limit: args.versions_limit,
        ..RegistryOptions::new(args.versions.clone())
    })
}

/// A policy as an operator writes it: TOML, with the table `canary`.
fn policy(path: &Path) -> anyhow::Result<Policy> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        canary: Policy,
    }
    let what = || format!("{}; check --policy", path.display());
    let text = std::fs::read_to_string(path).with_context(what)?;
    Ok(toml::from_str::<File>(&text).with_context(what)?.canary)
}

/// The folder, and what the registry is asked for.
fn source(
    args: &DeployArgs,
    released: Option<Vec<ComponentReference>>,
    memory: Option<PathBuf>,
) -> anyhow::Result<Source> {
    // A release says all that is to run: what lies in an image beside it is not meant.
    let folder = released.is_none() && (args.components.is_dir() || args.oci.is_empty());
    if folder && !args.components.is_dir() {
        bail!(
            "{}: there is no such folder; name one with built components, such as target/functions after `system-bus build`",
            args.components.display()
        );
    }
    let options = FolderOptions { memory, ..FolderOptions::default() };
    let folder = folder.then(|| Folder::new(&args.components, options));
    let references =
        args.oci.iter().map(|text| text.parse().with_context(|| format!("--oci {text}")));
    let references: Vec<_> = match released {
        Some(released) => released,
        None => references.collect::<anyhow::Result<_>>()?,
    };
    let oci = (!references.is_empty()).then(|| {
        let options = OciOptions {
            references,
            every: args.oci_every,
            credentials: credentials()?,
            ..OciOptions::default()
        };
        anyhow::Ok(Oci::new(options))
    });
    Ok(Source::new(folder, oci.transpose()?))
}

/// The logins that `docker login` keeps, where there are some.
fn credentials() -> anyhow::Result<Credentials> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(std::path::PathBuf::from);
    let home = || Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".docker"));
    let Some(path) = folder.or_else(home).map(|folder| folder.join("config.json")) else {
        return Ok(Credentials::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Credentials::from_docker_config(&text).with_context(|| path.display().to_string())
        }
        Err(_) => Ok(Credentials::default()),
    }
}
