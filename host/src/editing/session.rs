//! The edit loop together with an engine and its workers: builds what was saved, places it, reloads, and tells all of it.
//!
//! One task owns everything here. Cargo runs on a thread of its own, one build at a time, and is ended with the session.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use builder::{Said, Stop};
use engine::Activity;
use registry::{Report, Verdict};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};
use tokio::time::sleep_until;

use super::making::{self, Made, Making, Unmade};
use super::news::{Component, News, Reloaded, Took};
use super::projects::Projects;
use super::sources::Sources;
use super::teller::Teller;
use super::turns::{Turns, Work};
use crate::local::{Local, Plan};
use crate::shutdown;

/// How often the times of the panel go on.
const TICK: Duration = Duration::from_millis(100);

/// What a session is about.
pub(crate) struct Subject {
    /// What is built; none where components are served that somebody else builds.
    pub(crate) projects: Option<Projects>,
    pub(crate) making: Making,
    /// What serves, once there is something to serve.
    pub(crate) plan: Plan,
    /// End after the first build was loaded.
    pub(crate) once: bool,
}

/// A session that is under way.
pub(crate) struct Session<U> {
    teller: Teller,
    projects: Projects,
    making: Making,
    components: PathBuf,
    plan: Option<Plan>,
    once: bool,
    local: Option<Local>,
    /// What is done when events can be sent.
    up: U,
    sources: Sources,
    turns: Turns,
    /// What was saved since the last build began, for people.
    saved: BTreeSet<String>,
    build: Option<Build>,
    said: mpsc::UnboundedSender<Said>,
    activity: Option<broadcast::Receiver<Activity>>,
}

/// A build that is under way. Dropping it ends cargo.
struct Build {
    stop: Stop,
    /// From the last save to its beginning.
    noticed: Option<Duration>,
    task: JoinHandle<Result<Made, Unmade>>,
}

impl Drop for Build {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// How a build went on to serve.
enum Came {
    /// It was ended for another one.
    ToAnother,
    /// It serves; or it does not, and something was told.
    To { ok: bool },
}

impl<U: AsyncFn(&Local, &Projects, &mut Teller) -> anyhow::Result<()>> Session<U> {
    /// Begins with what is saved now. `up` is done when events can be sent.
    pub(crate) fn new(
        subject: Subject,
        teller: Teller,
        up: U,
    ) -> (Self, mpsc::UnboundedReceiver<Said>) {
        let Subject { projects, making, plan, once } = subject;
        let (said, heard) = mpsc::unbounded_channel();
        let mut turns = Turns::default();
        if projects.is_some() {
            turns.changed(Work::everything(), Instant::now());
        }
        let projects = projects.unwrap_or_default();
        let sources = block_in_place(|| Sources::new(projects.places()));
        let session = Self {
            teller,
            making,
            components: plan.components.clone(),
            plan: Some(plan),
            once,
            local: None,
            up,
            sources,
            turns,
            saved: BTreeSet::new(),
            build: None,
            said,
            activity: None,
            projects,
        };
        (session, heard)
    }

    /// Goes on until somebody asks to stop, or once. Whether what was built last serves.
    pub(crate) async fn run(
        mut self,
        mut heard: mpsc::UnboundedReceiver<Said>,
    ) -> anyhow::Result<bool> {
        let result = self.turn_by_turn(&mut heard).await;
        // Cargo ends before what it builds for.
        self.build = None;
        if let Some(local) = self.local.take() {
            if result.is_ok() && !self.once {
                self.teller.line("• stopping: calls that run are finished first");
            }
            local.shutdown().await;
        }
        result
    }

    async fn turn_by_turn(
        &mut self,
        heard: &mut mpsc::UnboundedReceiver<Said>,
    ) -> anyhow::Result<bool> {
        if !self.turns_begin() {
            // Nobody builds here: what is there serves at once.
            self.start().await?;
        }
        let mut stop = std::pin::pin!(shutdown::asked());
        let mut tick = tokio::time::interval(TICK);
        loop {
            let due = self.turns.due();
            tokio::select! {
                () = &mut stop => return Ok(true),
                () = self.sources.stirred() => self.look(),
                () = at(due) => self.begin(),
                Some(said) = heard.recv() => self.hear(said),
                made = ended(self.build.as_mut()) => {
                    let came = self.ended(made?).await?;
                    if let (Came::To { ok }, true) = (came, self.once) {
                        return Ok(ok);
                    }
                }
                activity = next(self.activity.as_mut()) => self.teller.activity(&activity),
                _ = tick.tick() => self.teller.draw(),
            }
        }
    }

    /// Whether there is something to build.
    fn turns_begin(&self) -> bool {
        self.turns.due().is_some()
    }

    /// Looks at what was saved.
    fn look(&mut self) {
        let building = self.turns.is_building();
        let mut saved = block_in_place(|| self.sources.look());
        saved.retain(|one| self.projects.work(std::slice::from_ref(one), building).is_some());
        let Some(work) = self.projects.work(&saved, building) else { return };
        let root = self.projects.root();
        let shown = saved.iter().map(|one| one.path.strip_prefix(root).unwrap_or(&one.path));
        self.saved.extend(shown.map(|path| path.display().to_string()));
        if self.turns.changed(work, Instant::now())
            && let Some(build) = &self.build
            && !build.stop.is_stopped()
        {
            build.stop.stop();
            self.teller.tell(&News::Ended);
        }
    }

    /// Begins a build, if one is due.
    fn begin(&mut self) {
        let Some(work) = self.turns.begin(Instant::now()) else { return };
        let saved = std::mem::take(&mut self.saved).into_iter().collect();
        self.teller.tell(&News::Building { saved });
        // A clock that was set back has nothing to tell.
        let noticed = work.saved.map(|saved| saved.elapsed().unwrap_or_default());
        let stop = Stop::default();
        let (making, projects) = (self.making.clone(), self.projects.clone());
        let (ends, said) = (stop.clone(), self.said.clone());
        let make = move || {
            making::make(&making, projects, &work, &ends, |one| {
                // Of what is compiled for the first time there is much; of an edit, one package.
                if work.shape || !matches!(one, Said::Compiled { .. }) {
                    // The session may have ended.
                    drop(said.send(one.clone()));
                }
            })
        };
        self.build = Some(Build { stop, noticed, task: spawn_blocking(make) });
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Compiled { name, fresh: false, .. } if name != "build-script-build" => {
                self.teller.tell(&News::Compiled { name });
            }
            Said::Words(words) => self.teller.line(&words),
            // Told when the build has ended.
            Said::Compiled { .. } | Said::Finding(_) => {}
        }
    }

    /// A build has ended: what it made is placed and serves.
    async fn ended(&mut self, made: Result<Made, Unmade>) -> anyhow::Result<Came> {
        let noticed = self.build.take().and_then(|build| build.noticed);
        self.turns.ended(made.is_ok());
        let made = match made {
            Ok(made) => made,
            Err(Unmade::Stopped) => return Ok(Came::ToAnother),
            Err(unmade) => {
                // What was built before, perhaps by an earlier session, is better than nothing.
                if self.local.is_none() && !self.once && has_components(&self.components) {
                    self.start().await?;
                }
                let serving = self.local.is_some();
                self.teller.tell(&match unmade {
                    Unmade::Refused { findings, said } => News::refused(findings, said, serving),
                    other => News::Failed { reason: format!("{:#}", other.into_error()), serving },
                });
                return Ok(Came::To { ok: false });
            }
        };
        self.projects = made.projects.clone();
        let placing = Instant::now();
        block_in_place(|| made.place(&self.components))?;
        let placed = placing.elapsed();
        let activating = Instant::now();
        let first = self.local.is_none();
        if first {
            self.start().await?;
        }
        let local = self.local.as_ref().context("an engine and its workers")?;
        let report = match local.reload("edited").await {
            Ok(report) => report,
            Err(error) => {
                let reason = format!("built and not loaded: {error:#}");
                self.teller.tell(&News::Failed { reason, serving: true });
                return Ok(Came::To { ok: false });
            }
        };
        let took = Took { noticed, built: made.took, placed, activated: activating.elapsed() };
        let warnings = made.warnings.into_iter().map(|warning| warning.rendered).collect();
        block_in_place(|| self.sources.move_to(self.projects.places()));
        let ok = report.ok;
        self.teller.tell(&News::Reloaded(reloaded(&report, first, took, warnings)));
        Ok(Came::To { ok })
    }

    /// Starts the engine and its workers, if they are not there.
    async fn start(&mut self) -> anyhow::Result<()> {
        let Some(plan) = self.plan.take() else { return Ok(()) };
        self.teller.line(
            "• starting an engine (for development, demos and tests only) and a worker for each role",
        );
        let local = Local::start(plan).await?;
        self.activity = Some(local.engine.activity());
        (self.up)(&local, &self.projects, &mut self.teller).await?;
        self.local = Some(local);
        Ok(())
    }
}

/// What became of the components. At the first look all of them are news, since nothing served before.
fn reloaded(report: &Report, first: bool, took: Took, warnings: Vec<String>) -> Reloaded {
    let told = report.components.iter().filter(|one| first || one.verdict != Verdict::Unchanged);
    let component = |one: &registry::reload::Component| Component {
        name: one.name.clone(),
        verdict: if one.verdict == Verdict::Unchanged { Verdict::Activated } else { one.verdict },
        reason: one.reason.clone(),
    };
    let components = told.map(component).collect();
    Reloaded { ok: report.ok, components, generation: report.generation.after, took, warnings }
}

fn has_components(folder: &std::path::Path) -> bool {
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.path().extension().is_some_and(|ending| ending == "wasm"))
}

/// Returns then; never, where there is no such moment.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// The end of a build; never, where none is under way.
async fn ended(build: Option<&mut Build>) -> anyhow::Result<Result<Made, Unmade>> {
    match build {
        Some(build) => (&mut build.task).await.context("a build was interrupted"),
        None => std::future::pending().await,
    }
}

/// What happens next in the engine; never, where there is none. A display that falls behind shows less.
async fn next(activity: Option<&mut broadcast::Receiver<Activity>>) -> Activity {
    if let Some(activity) = activity {
        loop {
            match activity.recv().await {
                Ok(activity) => return activity,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "some activity was not shown");
                }
                Err(RecvError::Closed) => break,
            }
        }
    }
    std::future::pending().await
}
