//! Loops whose work is merged and pushed, conflicts, comes to nothing, is in somebody's way, or is cancelled.

mod failures;
mod github;
mod merges;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Value, json};

use self::github::{GitHub, TOKEN};
use super::flow::Flow;
use super::git::{Git, write};
use super::scene::{Ran, Scene};
use super::stage::Stage;

const FUNCTION: &str = "agent-loop-complete";
const EVENT: &str = "agent/loop.completed";
const STEPS: [&str; 6] = [
    "clean-artifacts",
    "gateway-progress-merge",
    "merge-to-main",
    "cleanup-worktree",
    "push-to-remote",
    "emit-gateway-event",
];

struct Loops {
    git: Git,
    github: GitHub,
    /// The folder of checkouts, and that of worktrees.
    projects: PathBuf,
    worktrees: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let git = Git::on(stage);
    let github = GitHub::start(&git, &stage.folder("github"));
    git.instead(&format!("{}/", github.origin()), "https://github.com/");
    stage.secret("github_token", TOKEN);
    let (worktrees, projects) = (stage.root("agent-loop"), stage.root("projects"));
    stage.grant(&format!(
        r#"[components.agent-loop-complete]
fs = [
  {{ root = "agent-loop", access = "read-write" }},
  {{ root = "projects", access = "read-write" }},
]
shell = [{{ program = "git", arguments = ["**"], variables = ["GITHUB_TOKEN"], within = "2m" }}]
secrets = [{{ name = "github_token", to = ["program:git"], in = ["variable"] }}]
[components.agent-loop-complete.config]
AGENT_LOOP_WORKTREES = "{}"
AGENT_LOOP_PROJECTS = "{}"
"#,
        worktrees.display(),
        projects.display(),
    ));
    Rc::new(Loops { git, github, projects, worktrees })
}

#[async_trait::async_trait(?Send)]
impl Flow for Loops {
    fn name(&self) -> &'static str {
        "agent-loop-complete"
    }

    async fn play(&self, scene: &Scene) {
        let (merged, conflicts, small, failed) = tokio::join!(
            merges::to_github(self, scene),
            merges::conflicts(self, scene),
            merges::small(self, scene),
            failures::play(self, scene),
        );
        let all: Vec<_> = [merged, conflicts, small, failed].into_iter().flatten().collect();
        scene.hides(TOKEN, &all.iter().collect::<Vec<_>>());
        // Git kept it nowhere either.
        for folder in [&self.projects, &self.worktrees] {
            assert!(!holds(folder, TOKEN), "{}", folder.display());
        }
    }
}

impl Loops {
    /// A checkout with one file, and a loop of the same name whose worktree has this work.
    fn begun(&self, name: &str, origin: &str, work: &[(&str, &str)]) -> PathBuf {
        let project = self.projects.join(name);
        self.git.checkout(&project, origin, &[("src/a.rs", "one\n")]);
        let worktree = self.worktrees.join(name);
        let place = worktree.to_str().expect("text");
        self.git.says(&project, &["worktree", "add", "-q", "-b", &branch(name), place]);
        if !work.is_empty() {
            self.git.commit(&worktree, work, "work");
        }
        project
    }

    /// A place to push to that is a folder.
    fn origin(&self, name: &str) -> PathBuf {
        let path = self.projects.join("origins").join(name);
        self.git.bare(&path);
        path
    }

    fn on_main(&self, project: &Path) -> Vec<String> {
        let names = self.git.says(project, &["ls-tree", "-r", "--name-only", "main"]);
        names.lines().map(str::to_owned).collect()
    }

    /// The subjects of the commits of `main`, the latest first.
    fn log(&self, project: &Path) -> Vec<String> {
        let log = self.git.says(project, &["log", "--topo-order", "--format=%s", "main"]);
        log.lines().map(str::to_owned).collect()
    }

    /// What is changed in a checkout and not committed.
    fn changed(&self, project: &Path) -> String {
        self.git.says(project, &["status", "--porcelain", "--untracked-files=all"])
    }

    fn has_branch(&self, project: &Path, name: &str) -> bool {
        !self.git.says(project, &["branch", "--list", &branch(name)]).is_empty()
    }
}

fn branch(name: &str) -> String {
    format!("agent/{name}")
}

/// That a loop has completed, as its planner says it.
fn completed(name: &str) -> Value {
    json!({
        "loopId": name,
        "project": name,
        "branchName": branch(name),
        "storiesCompleted": 2,
        "storiesFailed": 1,
    })
}

async fn complete(scene: &Scene, name: &str) -> Ran {
    scene.run(FUNCTION, EVENT, &completed(name)).await
}

/// What people were told of a loop, of this type.
fn told(scene: &Scene, kind: &str, name: &str) -> Vec<Value> {
    scene.told(kind, |payload| payload["loopId"] == name)
}

/// Whether a text is in any file of a folder.
fn holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

/// A hook of a repository.
fn hook(project: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = project.join(".git/hooks").join(name);
    write(&path, &format!("#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\n{script}"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a program");
}
