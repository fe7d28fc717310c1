//! `dev`: an engine and a worker for each role, on functions that are built anew whenever they are saved.

use std::net::SocketAddr;
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

use anyhow::Context;
use builder::Profile;
use engine::Data;
use serde_json::json;

use crate::cli::{Dev, demo};
use crate::editing::making::Making;
use crate::editing::projects::Projects;
use crate::editing::session::{Session, Subject};
use crate::editing::teller::Teller;
use crate::granting::GrantsFile;
use crate::local::{EVENT_KEY, Local, Plan};
use crate::{answer, workspace};

pub(crate) async fn run(args: Dev, json: bool) -> anyhow::Result<ExitCode> {
    let grants = GrantsFile::read(args.grants.grants.as_deref())?;
    let edits = args.components.is_none();
    let projects = if edits { Some(Projects::find(&args.folders)?) } else { None };
    if edits {
        let say = |words: &str| answer::progress(&format!("• {words}"));
        let here = std::env::current_dir().context("the current folder is unknown")?;
        tokio::task::block_in_place(|| builder::ensure(&here, say))?;
    }
    let teller = Teller::new(json, !args.once);
    let data = absolute(&args.data)?;
    // Who looks once remembers nothing, and is in nobody's way.
    let passing = args.once.then(tempfile::tempdir).transpose().context("a temporary folder")?;
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut allow = args.http.allow;
    allow.push(demo::loopback()?);
    let plan = Plan {
        engine: if args.once { any_port } else { args.engine },
        worker: if args.once { any_port } else { args.worker },
        versions: passing.as_ref().map_or(&*data, tempfile::TempDir::path).join("versions"),
        components: args.components.unwrap_or_else(|| data.join("components")),
        data: if args.once { Data::Memory } else { Data::Dir(data.clone()) },
        watching: !edits,
        cache: args.cache,
        allow,
        grants,
    };
    let making = Making { profile: Profile::Edit, debug: true, colours: teller.colours() };
    let samples = !args.no_samples && !args.once;
    let up = async |local: &Local, projects: &Projects, teller: &mut Teller| {
        if args.once { Ok(()) } else { up(local, projects, teller, samples).await }
    };
    let subject = Subject { projects, making, plan, once: args.once };
    let (session, heard) = Session::new(subject, teller, up);
    let ok = session.run(heard).await?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says where events go, and sends the samples.
async fn up(
    local: &Local,
    projects: &Projects,
    teller: &mut Teller,
    samples: bool,
) -> anyhow::Result<()> {
    let (engine, worker) = (local.engine.address(), local.worker()?);
    let folders = match projects.component_folders() {
        folders if folders.is_empty() => workspace::functions(),
        folders => folders,
    };
    let name = event_name(&folders).unwrap_or_else(|| "shop/order.paid".to_owned());
    let curl = format!(
        "curl -X POST http://{engine}/e/{EVENT_KEY} -H 'content-type: application/json' \
         -d '{{\"name\":\"{name}\",\"data\":{{}}}}'"
    );
    let up = json!({
        "what": "up", "ok": true, "command": "dev", "engine": format!("http://{engine}"),
        "page": format!("http://{engine}/"), "worker": format!("http://{worker}"), "curl": curl,
    });
    let address = format!("page http://{engine}   worker http://{worker}   stop with Ctrl-C");
    let words = format!(
        "{address}\nsend an event, with a form at http://{engine}/send or with\n  {curl}\nsave a function, and the next \
         event is served by its new code"
    );
    teller.up(&up, address, &words);
    if samples {
        let places = demo::places(engine, worker);
        for folder in &folders {
            for sample in workspace::samples_in(folder, &places)? {
                teller.line(&format!("• sending {}", shown(&sample.file)));
                local.send(&sample.events).await?;
            }
        }
    }
    Ok(())
}

/// The event of the first sample there is.
fn event_name(folders: &[PathBuf]) -> Option<String> {
    let mut samples = folders.iter().filter_map(|folder| workspace::samples_in(folder, &[]).ok());
    samples.find_map(|samples| Some(samples.first()?.events.first()?.name.to_string()))
}

fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}
