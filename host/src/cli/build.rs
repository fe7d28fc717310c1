//! `build`: functions → components for use, in the folder that workers load.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use builder::{Placed, Profile, Ready, Said, Stop};
use protocol::digest::Digest;
use protocol::role::Role;
use runtime::placement;
use serde::Serialize;

use crate::answer;
use crate::cli::Build;
use crate::editing::making::{self, Made, Making, Unmade};
use crate::editing::projects::Projects;
use crate::editing::turns::Work;

/// What is told of a component that was built.
#[derive(Serialize)]
struct Built {
    name: String,
    path: PathBuf,
    bytes: u64,
    digest: Digest,
    /// Where it runs, by its imports. A function may be pinned to the other role; `inspect` tells.
    role: Role,
    /// The imports that force it there; none where any role would do.
    forced_by: Vec<String>,
    changed: bool,
}

pub(crate) async fn run(args: Build, json: bool) -> anyhow::Result<ExitCode> {
    let built = tokio::task::spawn_blocking(move || build(&args)).await;
    let built = built.context("building was interrupted")??;
    let mut words = String::new();
    let width = built.iter().map(|one| one.name.len()).max().unwrap_or_default();
    for one in &built {
        let (name, kib, digest) = (&one.name, one.bytes.div_ceil(1024), one.digest.short());
        let changed = if one.changed { "" } else { "  (unchanged)" };
        let why = match one.forced_by.as_slice() {
            [] => String::new(),
            forced => format!(" because of {}", forced.join(", ")),
        };
        writeln!(words, "{name:width$}  {kib:>5} KiB  {digest}  on {}{why}{changed}", one.role)?;
    }
    if let Some(folder) = built.first().and_then(|one| one.path.parent()) {
        write!(words, "in {}", folder.display())?;
    }
    Ok(answer::result(json, "build", true, &built, &words))
}

fn build(args: &Build) -> anyhow::Result<Vec<Built>> {
    let here = std::env::current_dir().context("the current folder is unknown")?;
    builder::ensure(&here, |words| answer::progress(&format!("• {words}")))?;
    let projects = Projects::find_all()?.read()?;
    let work = wanted(&projects, args.name.as_deref())?;
    let names: Vec<_> = match &args.name {
        Some(name) => vec![name.as_str()],
        None => projects.components().collect(),
    };
    answer::progress(&format!("• compiling {} to WebAssembly components", names.join(", ")));
    let out = projects.root().join(&args.out);
    let making = Making { profile: Profile::Function, debug: args.debug, colours: false };
    let made = making::make(&making, projects, &work, &Stop::default(), say);
    let made = made.map_err(Unmade::into_error)?;
    let roles = made.ready.iter().map(role).collect::<anyhow::Result<Vec<_>>>()?;
    finish(&made, roles, &out)
}

/// All of it, or the one function that was named.
fn wanted(projects: &Projects, name: Option<&str>) -> anyhow::Result<Work> {
    let Some(name) = name else { return Ok(Work::everything()) };
    // A component is called as its package, with hyphens.
    let found = projects.components().find(|one| *one == name || one.replace('_', "-") == name);
    let Some(found) = found else {
        let known: Vec<_> = projects.components().collect();
        bail!("there is no function package {name}; there is {}", known.join(", "));
    };
    Ok(Work { components: [found.to_owned()].into(), ..Work::default() })
}

/// What takes a while is told: what is compiled, and what the compiler finds.
fn say(said: &Said) {
    match said {
        Said::Compiled { name, fresh: false, .. } => {
            answer::progress(&format!("  compiled {name}"));
        }
        Said::Finding(finding) if !finding.error => answer::progress(&finding.rendered),
        Said::Words(words) => answer::progress(words),
        Said::Compiled { .. } | Said::Finding(_) => {}
    }
}

/// The role of a component by its imports, and those that force it there. Fails where no worker would take it: what
/// cannot run is not placed.
fn role(ready: &Ready) -> anyhow::Result<(Role, Vec<String>)> {
    let imports = placement::decode(&ready.bytes).with_context(|| ready.name.clone())?;
    let mut forced = Vec::new();
    for import in imports {
        let used = placement::judge_one(import)
            .map_err(|refusal| anyhow::anyhow!("{} is not placed: {refusal}", ready.name))?;
        if !used.capability.fits(Role::Cluster) {
            forced.push(used.import.to_string());
        }
    }
    Ok((if forced.is_empty() { Role::Cluster } else { Role::Host }, forced))
}

fn finish(made: &Made, roles: Vec<(Role, Vec<String>)>, out: &Path) -> anyhow::Result<Vec<Built>> {
    let placed = made.place(out)?;
    let of = |ready: &Ready| -> anyhow::Result<&Placed> {
        let file = format!("{}.wasm", ready.name);
        placed.iter().find(|one| one.path.ends_with(&file)).context("a component that was placed")
    };
    let built = made.ready.iter().zip(roles).map(|(ready, (role, forced_by))| {
        let Placed { path, bytes, changed } = of(ready)?.clone();
        let digest = Digest::of(&ready.bytes);
        Ok(Built { name: ready.name.clone(), path, bytes, digest, role, forced_by, changed })
    });
    let mut built: Vec<_> = built.collect::<anyhow::Result<_>>()?;
    built.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}
