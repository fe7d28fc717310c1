//! A checkout with a plan, git, and a model that writes files and says what the test wants.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use outside::Program;
use outside::testing::{World, ended, really, said};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Site {
    folder: Rc<TempDir>,
    pub(crate) world: World,
}

/// What the model says in a stage: by the stage, and how often that was asked before.
pub(crate) type Says = fn(&str, usize) -> String;

/// What a model says that is content with everything.
pub(crate) fn content(stage: &str, _: usize) -> String {
    match stage {
        "implement" => json!({ "status": "implemented", "summary": "done" }),
        "prove" => json!({ "overall_pass": true, "summary": "shown" }),
        _ => json!({ "verdict": "PASS", "feedback": "good" }),
    }
    .to_string()
}

impl Site {
    /// A project `app` with this plan. The model writes `src/<story>/work.rs` and a file of nobody's.
    pub(crate) fn new(plan: &Value, says: Says) -> Self {
        let folder = Rc::new(tempfile::tempdir().expect("a folder"));
        let site = Self { folder, world: World::begin() };
        site.git("", &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        site.git("", &["init", "-q", "-b", "main", "app"]);
        site.git("app", &["remote", "add", "origin", "../origin.git"]);
        site.write("app/src/a.rs", "one\n");
        site.git("app", &["add", "-A"]);
        site.git("app", &["commit", "-q", "-m", "first"]);
        // Somebody is at work there.
        site.write("app/src/mine.rs", "mine\n");
        site.world.file("repositories", "app/prd.json", &plan.to_string());

        let (home, asked) = (Rc::clone(&site.folder), std::cell::RefCell::new(Vec::new()));
        site.world.programs(move |program| match program.name() {
            "git" => {
                let add =
                    |program: Program, (name, value): &(&str, &str)| program.env(*name, *value);
                let program = NAME.iter().fold(program.clone(), add);
                really(&program, &[("repositories", home.path())])
            }
            "check" => said("fine"),
            "codex" => {
                let stage = stage(program);
                let before = asked.borrow().iter().filter(|known| **known == stage).count();
                asked.borrow_mut().push(stage.clone());
                if stage == "implement" {
                    let prompt = program.arguments().last().expect("a prompt");
                    let story =
                        prompt.split("Story ").nth(1).and_then(|rest| rest.split(':').next());
                    let story = story.unwrap_or("none");
                    let work = format!("app/src/{story}/work.rs");
                    write(home.path(), &work, &format!("{before}\n"));
                    write(home.path(), "app/notes.txt", "a note\n");
                }
                said(says(&stage, before))
            }
            other => ended(other, 127, "no such program"),
        });
        site
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        write(self.folder.path(), path, content);
    }

    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.path(folder)).args(arguments).envs(NAME);
        let output = git.output().expect("git runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// How often the model was asked in a stage.
    pub(crate) fn asked(&self, of: &str) -> usize {
        let ran = self.world.ran();
        ran.iter().filter(|program| program.name() == "codex" && stage(program) == of).count()
    }

    pub(crate) fn status(&self, story: &str) -> Option<String> {
        self.world.redis(|redis| redis.hashes.get("story-pipeline:app-prd")?.get(story).cloned())
    }
}

fn write(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, content).expect("a file");
}

/// The stage of a call of the model, by its schema.
pub(crate) fn stage(program: &Program) -> String {
    let file = program.arguments().iter().find(|argument| argument.ends_with(".schema.json"));
    let file = file.expect("a schema").trim_end_matches(".schema.json");
    file.trim_start_matches("/tmp/story-pipeline-").to_owned()
}

const NAME: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "test"),
    ("GIT_AUTHOR_EMAIL", "test@example.com"),
    ("GIT_COMMITTER_NAME", "test"),
    ("GIT_COMMITTER_EMAIL", "test@example.com"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
];
