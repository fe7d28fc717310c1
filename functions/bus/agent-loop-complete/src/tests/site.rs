//! A checkout with a loop's worktree, a repository that it came from, and git.

use std::path::{Path, PathBuf};
use std::process::Command;

use outside::testing::{World, really};
use system_bus_testing::Kit;
use tempfile::TempDir;

/// Folders on the disk of this machine.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) world: World,
}

impl Site {
    /// A project `app` with one file, a loop `loop-1` with a commit and artifacts.
    pub(crate) fn new(kit: &mut Kit) -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a folder"), world: World::begin() };
        kit.config("AGENT_LOOP_WORKTREES", site.path("loops").to_str().expect("it is text"));
        std::fs::create_dir_all(site.path("loops")).expect("a folder");
        site.git("", &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        site.git("", &["init", "-q", "-b", "main", "app"]);
        site.git("app", &["remote", "add", "origin", "../origin.git"]);
        site.commit("app", &[("src/a.rs", "one\n")], "first");
        let loops = site.path("loops/loop-1");
        let loops = loops.to_str().expect("it is text");
        site.git("app", &["worktree", "add", "-q", "-b", "agent/loop-1", loops]);
        let work = [
            ("src/b.rs", "two\n"),
            ("prd.json", "{}"),
            ("src/__tests__/b.test.ts", "x"),
            ("judge.out", "x"),
        ];
        site.commit("loops/loop-1", &work, "work");

        let (projects, worktrees) = (site.path(""), site.path("loops"));
        site.world.programs(move |program| {
            let program = with_name(program);
            really(&program, &[("projects", &projects), ("agent-loop", &worktrees)])
        });
        site
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        // Git says paths without links.
        self.folder.path().canonicalize().expect("it is there").join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok()
    }

    pub(crate) fn commit(&self, folder: &str, files: &[(&str, &str)], message: &str) {
        for (path, content) in files {
            self.write(&format!("{folder}/{path}"), content);
        }
        self.git(folder, &["add", "-A"]);
        self.git(folder, &["commit", "-q", "-m", message]);
    }

    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = git(&self.path(folder)).args(arguments).output().expect("git runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

const NAME: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "test"),
    ("GIT_AUTHOR_EMAIL", "test@example.com"),
    ("GIT_COMMITTER_NAME", "test"),
    ("GIT_COMMITTER_EMAIL", "test@example.com"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
];

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).envs(NAME);
    git
}

/// What the operator's grant adds to the environment of git.
fn with_name(program: &outside::Program) -> outside::Program {
    let add = |program: outside::Program, (name, value): &(&str, &str)| program.env(*name, *value);
    NAME.iter().fold(program.clone(), add)
}
