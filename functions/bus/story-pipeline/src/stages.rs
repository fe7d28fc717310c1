//! The bodies of the stages.

use std::collections::BTreeMap;

use outside::{Changes, Folder, Store};
use system_bus_sdk::Reason;
use system_bus_sdk::prelude::*;

use crate::codex::{Codex, head};
use crate::commit::{self, Committed};
use crate::event::{Base, StoryStart};
use crate::place::{Place, REPOSITORIES, TMP};
use crate::prd::{Prd, Statuses, Story};
use crate::prompts;
use crate::reports::{Implemented, Judged, Proved, Staged};
use crate::settings::Settings;

/// How much of a difference is judged.
const JUDGED: usize = 30_000;

/// Everything that a stage goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) event: &'a StoryStart,
    pub(crate) place: &'a Place,
    pub(crate) settings: &'a Settings,
    pub(crate) prd: &'a Prd,
    pub(crate) story: &'a Story,
}

/// The plan, and what became of its stories so far.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) prd: Prd,
    pub(crate) statuses: Statuses,
}

pub(crate) fn load(io: &Io, place: &Place) -> Result<Loaded> {
    let prd = Prd::parse(&Folder::of(io, REPOSITORIES).read(&place.prd)?)?;
    Ok(Loaded { prd, statuses: statuses(io, place)? })
}

/// Keeps what became of a story, and answers with what became of all.
pub(crate) fn keep(io: &Io, place: &Place, story: &str, status: &str) -> Result<Statuses> {
    Store::of(io).make(Changes::default().hash_set(place.statuses(), story, status))?;
    statuses(io, place)
}

fn statuses(io: &Io, place: &Place) -> Result<Statuses> {
    Ok(BTreeMap::from_iter(Store::of(io).hash_all(&place.statuses())?))
}

impl Work<'_> {
    fn codex<'a>(&'a self, sandbox: Option<&'a str>) -> Codex<'a> {
        let within = self.prd.context.codex_timeout_seconds.filter(|seconds| *seconds > 0);
        Codex {
            place: self.place,
            model: &self.settings.model,
            sandbox,
            within: within.map(Duration::from_secs),
        }
    }

    fn proof(&self) -> String {
        format!("proof-{}.md", self.story.id)
    }

    pub(crate) async fn implement(&self, io: &Io) -> Result<Staged<Implemented>> {
        let prompt = prompts::implement(self.prd, self.story, self.event.judgment.as_deref());
        Ok(match self.codex(None).work::<Implemented>(io, &prompt).await? {
            Staged::Done { report } if report.status != "implemented" => {
                Staged::Failed { why: format!("blocked: {}", report.summary) }
            }
            other => other,
        })
    }

    pub(crate) async fn check_and_commit(&self, io: &Io, base: &Base) -> Result<Staged<Committed>> {
        if let Some(why) = commit::check(io, self.place, self.prd).await? {
            return Ok(Staged::Failed { why });
        }
        let message = format!("feat({}): {}", self.story.id, self.story.title);
        commit::own(io, self.place, self.story, base, &message).await
    }

    pub(crate) async fn prove(&self, io: &Io, base: &Base) -> Result<Staged<Proved>> {
        // A proof of an earlier attempt proves nothing of this one.
        Folder::of(io, TMP).remove(&self.proof())?;
        let prompt = prompts::prove(self.prd, self.story, &format!("/tmp/{}", self.proof()));
        let staged = self.codex(Some("danger-full-access")).work::<Proved>(io, &prompt).await?;
        let Staged::Done { mut report } = staged else { return Ok(staged) };
        let message = format!("fix({}): what its proof has shown", self.story.id);
        match commit::own(io, self.place, self.story, base, &message).await? {
            Staged::Failed { why } => Ok(Staged::Failed { why }),
            Staged::Done { report: committed } => {
                report.fix_commit_sha = Some(committed.sha);
                Ok(Staged::Done { report })
            }
        }
    }

    pub(crate) async fn judge(
        &self,
        io: &Io,
        base: &Base,
        proved: &Proved,
    ) -> Result<Staged<Judged>> {
        let range = format!("{}..HEAD", base.sha);
        let diff = self.place.git(["diff", &range]).run(io).await?.text();
        let proof = match Folder::of(io, TMP).read(&self.proof()) {
            Ok(proof) => proof,
            Err(refused) if refused.reason() == Reason::Missing => "There is none.".to_owned(),
            Err(refused) => return Err(refused.into()),
        };
        let prompt = prompts::judge(self.story, head(&diff, JUDGED), head(&proof, JUDGED));
        let staged = self.codex(Some("read-only")).work::<Judged>(io, &prompt).await?;
        Ok(match staged {
            // Whatever the judge says: what is not proved has not passed.
            Staged::Done { report } if !proved.overall_pass && report.verdict == "PASS" => {
                let feedback = format!("the proof did not pass: {}", proved.summary);
                let verdict = "FAIL".to_owned();
                Staged::Done { report: Judged { verdict, feedback, ..report } }
            }
            other => other,
        })
    }

    /// Pushes what has passed. That it fails is an answer: the work is there, and a person can push.
    pub(crate) async fn push(&self, io: &Io) -> Result<String> {
        let branch = self.settings.branch.clone();
        let branch = branch.unwrap_or_else(|| format!("story/{}", self.story.id));
        let target = format!("HEAD:refs/heads/{branch}");
        Ok(match self.place.git(["push", "-q", "origin", &target]).exit(io).await {
            Ok(exit) if exit.code == 0 => format!("pushed to {branch}"),
            Ok(exit) => format!("push_failed: {}", head(exit.stderr.trim(), 400)),
            Err(error) => format!("push_failed: {error}"),
        })
    }
}
