//! `inspect`: what a component is, what it asks for, and where it would run.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use protocol::digest::Digest;
use protocol::function::{FunctionConfig, Mode, Retries, Trigger};
use protocol::role::Role;
use runtime::placement::{self, Capability, Import, Kind, Refusal, Use};
use runtime::{Compilation, Component, Limits, folder};
use serde::Serialize;

use crate::answer;
use crate::cli::Inspect;
use crate::granting::GrantsFile;

/// What is told of a component, whether a worker would take it or not.
#[derive(Serialize)]
struct Report {
    name: String,
    digest: Digest,
    bytes: usize,
    /// None where it was not asked, or could not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk: Option<String>,
    /// None where it was not asked, or could not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    functions: Option<Vec<Function>>,
    imports: Vec<Imported>,
    roles: Vec<Verdict>,
    /// What an operator has to grant.
    grants: Vec<&'static str>,
    /// Why no worker takes it, or one of its functions.
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Function {
    id: String,
    name: String,
    mode: Mode,
    /// What starts it: names of events, `cron …`, `failure of …`.
    triggers: Vec<String>,
    /// How often a step is tried again.
    retries: u8,
    home: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<Role>,
}

#[derive(Serialize)]
struct Imported {
    /// As the component calls it.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability: Option<&'static str>,
    /// Whether an operator has to grant it; absent where no worker has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<bool>,
}

#[derive(Serialize)]
struct Verdict {
    role: Role,
    fits: bool,
    /// The imports that exclude it.
    lacks: Vec<String>,
}

pub(crate) async fn run(args: Inspect, json: bool) -> anyhow::Result<ExitCode> {
    let bytes = folder::read(&args.file).await?;
    let report = report(folder::name(&args.file), bytes, !args.no_describe).await?;
    let ok = report.faults.is_empty();
    Ok(answer::result(json, "inspect", ok, &report, &words(&report)))
}

async fn report(name: String, bytes: Vec<u8>, describe: bool) -> anyhow::Result<Report> {
    let mut report = Report {
        name,
        digest: Digest::of(&bytes),
        bytes: bytes.len(),
        sdk: None,
        functions: None,
        imports: Vec::new(),
        roles: Vec::new(),
        grants: Vec::new(),
        faults: Vec::new(),
    };
    match placement::decode(&bytes) {
        Ok(imports) => report.place(imports),
        Err(error) => report.faults.push(error.to_string()),
    }
    if describe && report.faults.is_empty() {
        // Everything that a worker has stands behind its imports, and nothing is granted: to describe itself, a component
        // needs none of it.
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let grants = GrantsFile::default();
        let versions = folder.path().join("versions");
        let runtime =
            grants.runtime(&versions, Limits::default(), Vec::new(), Compilation::default())?;
        match Component::load(&runtime, &report.name, bytes).await {
            Ok(component) => report.describe(&component),
            Err(error) => report.faults.push(error.to_string()),
        }
    }
    Ok(report)
}

impl Report {
    fn place(&mut self, imports: Vec<Import>) {
        let judged: Vec<_> = imports.into_iter().map(placement::judge_one).collect();
        self.roles = Role::ALL.into_iter().map(|role| verdict(role, &judged)).collect();
        for judged in judged {
            match judged {
                Ok(used) => {
                    let capability = used.capability.name();
                    let authority = used.kind == Kind::Authority;
                    if authority && !self.grants.contains(&capability) {
                        self.grants.push(capability);
                    }
                    self.imports.push(imported(&used.import, Some(capability), Some(authority)));
                }
                Err(refusal) => {
                    let capability = refusal.capability.map(Capability::name);
                    self.imports.push(imported(&refusal.import, capability, None));
                    self.faults.push(refusal.to_string());
                }
            }
        }
    }

    fn describe(&mut self, component: &Component) {
        self.sdk = component.sdk().map(ToOwned::to_owned);
        let function = |function: &FunctionConfig| Function {
            id: function.id.to_string(),
            name: function.name.clone(),
            mode: function.mode,
            triggers: function.triggers.iter().map(started_by).collect(),
            retries: function.retries.unwrap_or(Retries::DEFAULT).get(),
            home: component.home(&function.id),
            pin: function.role,
        };
        self.functions = Some(component.functions().iter().map(function).collect());
        self.faults.extend(component.refused().iter().map(ToString::to_string));
    }
}

/// What starts a function, in words.
fn started_by(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Event { event, expression: None } => event.to_string(),
        Trigger::Event { event, expression: Some(expression) } => {
            format!("{event} if {}", expression.as_str())
        }
        Trigger::Cron { schedule, .. } => format!("cron {}", schedule.as_str()),
        Trigger::FailureOf(function) => format!("failure of {function}"),
    }
}

fn imported(
    import: &Import,
    capability: Option<&'static str>,
    authority: Option<bool>,
) -> Imported {
    let interface = import.interface.as_ref();
    Imported {
        name: import.name.clone(),
        interface: interface.map(|interface| interface.name.clone()),
        version: interface.and_then(|interface| interface.version.clone()),
        capability,
        authority,
    }
}

/// What no worker has excludes every role, and what belongs to a capability excludes those without that.
fn verdict(role: Role, judged: &[Result<Use, Refusal>]) -> Verdict {
    let lacking = judged.iter().filter_map(|judged| match judged {
        Ok(used) => (!used.capability.fits(role)).then(|| used.import.to_string()),
        Err(refusal) => Some(refusal.import.to_string()),
    });
    let lacks: Vec<_> = lacking.collect();
    Verdict { role, fits: lacks.is_empty(), lacks }
}

fn words(report: &Report) -> String {
    write_words(report).unwrap_or_else(|_| report.name.clone())
}

fn write_words(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "component  {}", report.name)?;
    writeln!(out, "digest     {}", report.digest)?;
    writeln!(out, "size       {} KiB", report.bytes.div_ceil(1024))?;
    if let Some(sdk) = &report.sdk {
        writeln!(out, "sdk        {sdk}")?;
    }
    if let Some(functions) = &report.functions {
        writeln!(out, "\nfunctions")?;
        let width = widest(functions.iter().map(|function| function.id.len()));
        for function in functions {
            let pin = if function.pin.is_some() { " (pinned)" } else { "" };
            let (id, mode, home) = (&function.id, function.mode.name(), function.home);
            writeln!(out, "  {id:width$}  on {home}{pin}, {mode}: {}", function.name)?;
        }
    }
    if !report.imports.is_empty() {
        writeln!(out, "\nimports")?;
        let named: Vec<_> = report.imports.iter().map(|import| (shown(import), import)).collect();
        let width = widest(named.iter().map(|(name, _)| name.len()));
        for (name, import) in &named {
            let capability = import.capability.unwrap_or("-");
            let kind = match import.authority {
                Some(true) => "authority",
                Some(false) => "ambient",
                None => "refused",
            };
            writeln!(out, "  {name:width$}  {capability:8} {kind}")?;
        }
    }
    if !report.roles.is_empty() {
        writeln!(out, "\nroles")?;
        for verdict in &report.roles {
            let role = verdict.role.name();
            if verdict.fits {
                writeln!(out, "  {role:8} yes")?;
            } else {
                writeln!(out, "  {role:8} no, because of {}", verdict.lacks.join(", "))?;
            }
        }
        let grants =
            if report.grants.is_empty() { "none".to_owned() } else { report.grants.join(", ") };
        writeln!(out, "\ngrants     {grants}")?;
    }
    if !report.faults.is_empty() {
        writeln!(out, "\nfaults")?;
        for fault in &report.faults {
            writeln!(out, "  {fault}")?;
        }
    }
    Ok(out.trim_end().to_owned())
}

/// An import's own name, and the interface behind a label.
fn shown(import: &Imported) -> String {
    let version = import.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
    match &import.interface {
        Some(interface) if format!("{interface}{version}") != import.name => {
            format!("{} (implements {interface}{version})", import.name)
        }
        _ => import.name.clone(),
    }
}

fn widest(widths: impl Iterator<Item = usize>) -> usize {
    widths.max().unwrap_or_default()
}
