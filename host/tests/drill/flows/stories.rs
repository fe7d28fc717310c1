//! Stories that pass, are tried again, are blocked, and are none; with a model that is a script.

mod failures;
mod passing;
mod retries;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::git::{Git, write};
use super::programs::Programs;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const FUNCTION: &str = "agent/story-pipeline";
const EVENT: &str = "agent/story.start";

/// The model. It works in the checkout: what it does and says there in a stage is a script of the flow, or else what makes
/// a story pass. What it is told to read and to write in `/tmp` is in the drill's folder.
const CODEX: &str = r#"
PROMPT= SCHEMA=
while [ $# -gt 0 ]; do
    case "$1" in --output-schema) SCHEMA=$2; shift ;; esac
    PROMPT=$1
    shift
done
[ "$CI" = true ] && [ "$TERM" = dumb ]
[ -s "@TMP@${SCHEMA#/tmp}" ]
STAGE=${SCHEMA##*-}
STAGE=${STAGE%.schema.json}
STORY=$(printf '%s' "$PROMPT" | sed -n 's/^Story \([^:]*\):.*/\1/p' | head -n 1)
PROOF=$(printf '%s' "$PROMPT" | sed -n 's|.* to /tmp/\(proof-[^ ]*\.md\)\..*|@TMP@/\1|p' | head -n 1)
ANSWERS="@ANSWERS@/${PWD##*/}"
mkdir -p "$ANSWERS"
echo >> "$ANSWERS/$STAGE.count"
TIME=$(wc -l < "$ANSWERS/$STAGE.count" | tr -d ' ')
implemented() {
    mkdir -p "src/$STORY"
    echo "$TIME" > "src/$STORY/work.rs"
    echo 'Sure: {"status":"implemented","summary":"done"} That is all.'
}
proved() {
    echo "proof of $STORY, $TIME" > "$PROOF"
    echo '{"overall_pass":true,"summary":"shown"}'
}
judged() { echo '{"verdict":"PASS","feedback":"good"}'; }
if [ -e "$ANSWERS/$STAGE.$TIME" ]; then . "$ANSWERS/$STAGE.$TIME"; exit; fi
case "$STAGE" in implement) implemented ;; prove) proved ;; judge) judged ;; esac
"#;

/// A check of the plan: it fails where the checkout says so.
const CHECK: &str = r#"
[ "$CI" = true ]
[ ! -e broken ] || { echo "error: $(cat broken)"; rm broken; exit 1; }
"#;

struct Stories {
    git: Git,
    programs: Programs,
    repositories: PathBuf,
    answers: PathBuf,
    tmp: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let git = Git::on(stage);
    let (repositories, tmp) = (stage.root("repositories"), stage.root("tmp"));
    let answers = stage.folder("codex-answers");
    let codex = CODEX.replace("@TMP@", &tmp.display().to_string());
    let codex = codex.replace("@ANSWERS@", &answers.display().to_string());
    let codex = stage.programs().write("codex", &codex);
    let variables = format!("variables = {{ HOME = '{}' }}\n", git.home().display());
    stage.real_program("codex", &codex, &variables);
    let programs = stage.program("story-check", CHECK);
    stage.grant(&format!(
        r#"[components.story-pipeline]
redis = {{ prefix = "" }}
fs = [{{ root = "repositories", access = "read-write" }}, {{ root = "tmp", access = "read-write" }}]
shell = [
  {{ program = "git", arguments = ["**"], output = "10MiB" }},
  {{ program = "codex", arguments = ["exec", "--full-auto", "**"], variables = ["CI", "TERM"], output = "10MiB" }},
  {{ program = "story-check", arguments = ["**"], variables = ["CI"], output = "10MiB" }},
]
[components.story-pipeline.config]
STORY_PIPELINE_ROOT = "{}"
STORY_PIPELINE_MODEL = "drill-1"
"#,
        repositories.display()
    ));
    Rc::new(Stories { git, programs, repositories, answers, tmp })
}

#[async_trait::async_trait(?Send)]
impl Flow for Stories {
    fn name(&self) -> &'static str {
        "agent/story-pipeline"
    }

    async fn play(&self, scene: &Scene) {
        tokio::join!(
            passing::chain(self, scene),
            passing::repaired(self, scene),
            passing::own_files(self, scene),
            retries::judged(self, scene),
            retries::stages(self, scene),
            retries::blocked(self, scene),
            failures::play(self, scene),
        );
    }
}

impl Stories {
    /// A checkout with this plan, which came from a repository that can be pushed to. Somebody is at work in it.
    fn project(&self, name: &str, plan: &Value) -> PathBuf {
        let origin = self.repositories.join("origins").join(name);
        self.git.bare(&origin);
        let project = self.repositories.join(name);
        let origin = origin.to_str().expect("text");
        self.git.checkout(
            &project,
            origin,
            &[("src/a.rs", "one\n"), (".gitignore", "prd.json\nbroken\n")],
        );
        write(&project.join("prd.json"), &plan.to_string());
        write(&project.join("src/mine.rs"), "mine\n");
        project
    }

    /// What the model does in this call for a stage, as a script.
    fn answer(&self, project: &str, stage: &str, time: u32, script: &str) {
        write(&self.answers.join(project).join(format!("{stage}.{time}")), script);
    }

    /// The arguments of the model's calls in a checkout, by the text in their prompts.
    fn asked(&self, stage: &str, words: &str) -> Vec<Vec<String>> {
        let schema = format!("/tmp/story-pipeline-{stage}.schema.json");
        let calls = self.programs.calls("codex").into_iter();
        let own = calls.filter(|call| call.contains(&schema));
        own.filter(|call| call.last().is_some_and(|prompt| prompt.contains(words))).collect()
    }

    /// How often the model was asked in a checkout, in a stage.
    fn times(&self, project: &str, stage: &str) -> usize {
        let count = self.answers.join(project).join(format!("{stage}.count"));
        std::fs::read_to_string(count).unwrap_or_default().lines().count()
    }

    fn log(&self, project: &str) -> Vec<String> {
        let log = ["log", "--topo-order", "--format=%s"];
        let log = self.git.says(&self.repositories.join(project), &log);
        log.lines().map(str::to_owned).collect()
    }

    fn sha(&self, project: &str) -> String {
        self.git.says(&self.repositories.join(project), &["rev-parse", "HEAD"])
    }

    /// The commit of a branch over there, if there is one.
    fn pushed(&self, project: &str, branch: &str) -> Option<String> {
        let origin = self.repositories.join("origins").join(project);
        let found = self.git.says(
            &origin,
            &["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")],
        );
        (!found.is_empty()).then_some(found)
    }
}

fn story(id: &str) -> Value {
    json!({
        "id": id,
        "title": format!("The story {id}"),
        "description": "It does something.",
        "acceptance_criteria": ["it is there"],
    })
}

fn plan(name: &str, stories: &[Value]) -> Value {
    json!({"name": name, "stories": stories})
}

fn start(project: &str, id: &str) -> Value {
    json!({"prdPath": "prd.json", "storyId": id, "cwd": project})
}

/// The run that an attempt of a story is.
async fn attempt(scene: &Scene, project: &str, id: &str, number: u64) -> Ran {
    let of = |data: &Value| {
        data["cwd"] == project
            && data["storyId"] == id
            && data["attempt"].as_u64().unwrap_or(1) == number
    };
    scene.follows(FUNCTION, EVENT, of).await
}

fn statuses(scene: &Scene, project: &str) -> BTreeMap<String, String> {
    scene.redis(&["HGETALL", &format!("story-pipeline:{project}-prd")])
}

/// What people were told of a story, of this type.
fn told(scene: &Scene, kind: &str, id: &str) -> Vec<Value> {
    scene.told(kind, |payload| payload["storyId"] == id)
}

/// The steps of an attempt that passes, or of its beginning, until one that is left out.
fn steps(id: &str, attempt: u64, until: &str) -> Vec<String> {
    let mut all = vec![
        "load-prd".to_owned(),
        format!("gateway-progress-story-start[{id}-attempt-{attempt}]"),
        "get-pre-sha".to_owned(),
    ];
    for stage in ["implement", "check-and-commit", "prove", "judge"] {
        all.push(format!("gateway-progress-{stage}-start[{attempt}]"));
        all.push(stage.to_owned());
        if stage != "judge" {
            all.push(format!("gateway-progress-{stage}-done[{attempt}]"));
        }
    }
    all.extend(["record-story-done".to_owned(), "push".to_owned()]);
    all.push(format!("gateway-notify-story-passed[{id}]"));
    all.into_iter().take_while(|step| step != until).collect()
}
