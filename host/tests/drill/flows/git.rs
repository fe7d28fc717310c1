//! Git: the machine's own, with a home of the drill's, and repositories in folders of the drill.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::stage::Stage;

/// Git, as functions and flows use it.
#[derive(Clone)]
pub(crate) struct Git {
    program: PathBuf,
    home: PathBuf,
}

impl Git {
    /// Puts git on the stage, unless it is there. It gives the token of its environment to whoever asks for a password.
    pub(crate) fn on(stage: &mut Stage) -> Self {
        let git = Self { program: found(), home: stage.folder("git-home") };
        if !stage.has("programs.git") {
            let home = git.home.display();
            let name = "[user]\nname = Drill\nemail = drill@example.com\n";
            std::fs::write(git.home.join(".gitconfig"), name).expect("written");
            let variables = format!(
                r#"[programs.git.variables]
HOME = "{home}"
GIT_CONFIG_NOSYSTEM = "1"
GIT_TERMINAL_PROMPT = "0"
GIT_CONFIG_COUNT = "1"
GIT_CONFIG_KEY_0 = "credential.helper"
GIT_CONFIG_VALUE_0 = "!f() {{ echo username=x-access-token; echo \"password=$GITHUB_TOKEN\"; }}; f"
"#
            );
            stage.real_program("git", &git.program.clone(), &variables);
        }
        git
    }

    /// The home that it needs to have a name.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Has git ask here for what lies at another address.
    pub(crate) fn instead(&self, address: &str, of: &str) {
        let path = self.home.join(".gitconfig");
        let before = std::fs::read_to_string(&path).expect("it is there");
        let lines = format!("{before}[url \"{address}\"]\ninsteadOf = {of}\n");
        std::fs::write(path, lines).expect("written");
    }

    /// What git says in a folder.
    #[track_caller]
    pub(crate) fn says(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.command(folder).args(arguments).output().expect("git runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Git in a folder, with the home of the drill and nothing else of this process.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut git = Command::new(&self.program);
        git.current_dir(folder).env_clear().env("HOME", &self.home);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        git
    }

    /// A repository without a checkout, to push to.
    pub(crate) fn bare(&self, path: &Path) {
        std::fs::create_dir_all(path).expect("a folder");
        self.says(path, &["init", "-q", "--bare", "-b", "main"]);
    }

    /// A checkout on `main` with one commit, which came from there.
    pub(crate) fn checkout(&self, path: &Path, origin: &str, files: &[(&str, &str)]) {
        std::fs::create_dir_all(path).expect("a folder");
        self.says(path, &["init", "-q", "-b", "main"]);
        self.says(path, &["remote", "add", "origin", origin]);
        self.commit(path, files, "first");
    }

    /// Writes files and commits everything.
    pub(crate) fn commit(&self, path: &Path, files: &[(&str, &str)], message: &str) {
        for (file, content) in files {
            write(&path.join(file), content);
        }
        self.says(path, &["add", "-A"]);
        self.says(path, &["commit", "-q", "--no-verify", "-m", message]);
    }
}

/// Writes a file, and makes its folder.
pub(crate) fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, content).expect("written");
}

/// Where git is, by this process's `PATH`.
fn found() -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    let places = std::env::split_paths(&path).map(|folder| folder.join("git"));
    places.into_iter().find(|place| place.is_file()).expect("git on PATH")
}
