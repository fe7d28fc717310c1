//! The story's own files, and nothing else, in a commit.

use outside::Exit;
use system_bus_sdk::prelude::*;

use crate::codex::tail;
use crate::event::Base;
use crate::place::Place;
use crate::prd::{Prd, Story};
use crate::reports::Staged;
use crate::words;

/// What was committed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Committed {
    /// The commit.
    pub(crate) sha: String,
    /// The files that were changed and are not the story's.
    pub(crate) left_out: Vec<String>,
}

/// How the checkout is before a story begins.
pub(crate) async fn base(io: &Io, place: &Place) -> Result<Base> {
    let sha = place.git(["rev-parse", "HEAD"]).run(io).await?.text().trim().to_owned();
    Ok(Base { sha, changed: changed(io, place).await? })
}

/// Runs the checks of the plan. The first one that fails is why the stage has failed.
pub(crate) async fn check(io: &Io, place: &Place, prd: &Prd) -> Result<Option<String>> {
    for line in prd.checks() {
        for command in words::commands(line).stop()? {
            let (name, arguments) = command.split_first().expect("a command has words");
            let program = place.program(name).args(arguments).env("CI", "true");
            let Exit { code, stdout, stderr } = program.exit(io).await?;
            if code != 0 {
                let words = format!("{stdout}\n{stderr}");
                return Ok(Some(format!(
                    "`{line}` ended with the code {code}:\n{}",
                    tail(words.trim(), 4_000)
                )));
            }
        }
    }
    Ok(None)
}

/// Commits what is the story's. Run twice, it finds nothing left to commit the second time.
pub(crate) async fn own(
    io: &Io,
    place: &Place,
    story: &Story,
    base: &Base,
    message: &str,
) -> Result<Staged<Committed>> {
    let (files, left_out): (Vec<_>, Vec<_>) =
        changed(io, place).await?.into_iter().partition(|file| is_own(file, story, base));
    if !files.is_empty() {
        let _ = place.git(["add", "-A", "--"]).args(files.clone()).run(io).await?;
        let _ = place.git(["commit", "-q", "-m", message, "--"]).args(files).run(io).await?;
    }
    let sha = place.git(["rev-parse", "HEAD"]).run(io).await?.text().trim().to_owned();
    // The model was told not to commit. Where it did, it must not have taken what is somebody else's.
    let range = format!("{}..{sha}", base.sha);
    let names =
        place.git(["diff", "--name-only", "-z", "--no-renames", &range]).run(io).await?.text();
    let taken: Vec<&str> =
        names.split('\0').filter(|file| !file.is_empty() && !is_own(file, story, base)).collect();
    if !taken.is_empty() {
        let why = format!("files that are not the story's were committed: {}", taken.join(", "));
        return Ok(Staged::Failed { why });
    }
    Ok(Staged::Done { report: Committed { sha, left_out } })
}

/// Whether a file is the story's: one that the plan names, or where it names none, one that nobody had changed before.
fn is_own(file: &str, story: &Story, base: &Base) -> bool {
    if story.files.is_empty() {
        return !base.changed.iter().any(|changed| changed == file);
    }
    story.files.iter().any(|own| {
        let own = own.trim_start_matches("./").trim_end_matches('/');
        file == own || file.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// The files that differ from the last commit.
async fn changed(io: &Io, place: &Place) -> Result<Vec<String>> {
    let status = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"];
    let output = place.git(status).run(io).await?.text();
    // Two letters and a space before each name.
    let names = output.split('\0').filter_map(|entry| entry.get(3..));
    Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_storys_where_the_plan_says_so_or_nobody_had_changed_them() {
        let base = Base { sha: String::new(), changed: vec!["mine.rs".to_owned()] };
        for (files, file, own) in [
            (vec![], "new.rs", true),
            (vec![], "mine.rs", false),
            (vec!["src"], "src/a.rs", true),
            (vec!["./src/"], "src/a/b.rs", true),
            (vec!["src"], "srcs/a.rs", false),
            (vec!["mine.rs"], "mine.rs", true),
            (vec!["src/a.rs"], "src/b.rs", false),
        ] {
            let files = files.into_iter().map(str::to_owned).collect::<Vec<_>>();
            let story = Story { files, ..Story::default() };
            assert_eq!(is_own(file, &story, &base), own, "{:?} {file}", story.files);
        }
    }
}
