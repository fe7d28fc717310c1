//! Meetings that Granola has written down: found, analysed one after another, and not twice.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::invoker::invoke;
use super::models;
use super::programs::Programs;
use super::scene::{Ran, Scene};
use super::schedules;
use super::site::{Answer, Site};
use super::stage::Stage;

const CRON: &str = "granola-check-cron";
const CHECK: &str = "check/granola-meetings";
const BACKFILL: &str = "granola-backfill";
const LIST: &str = "granola-list-meetings";
const ANALYZE: &str = "meeting-analyze";

const CHECK_ASKED: &str = "granola/check.requested";
/// What says that a look was asked for in this hour.
const GATE: &str = "granola:check:last-requested";
const TOKEN: &str = super::stage::TODOIST_TOKEN;

/// Lists three meetings of today, one of which was looked at before, and one of last week. The first question for a
/// transcript is too much for it.
const GRANOLA: &str = r#"
[ "$TERM" = dumb ]
tea='{"id":"tea-1","title":"Tea: which?","date":"2026-03-01T10:00:00Z","participants":["Ann","Bob"]}'
old='{"id":"old-1","title":"Old tea","date":"2026-02-20T10:00:00Z","participants":["Ann"]}'
case "$*" in
"meetings --range today") echo "{\"ok\":true,\"result\":{\"meetings\":[$tea,{\"id\":\"known-1\",\"title\":\"Known\"},$tea]}}" ;;
"meetings --range last_week") echo "{\"ok\":true,\"result\":{\"meetings\":[$old]}}" ;;
"meetings --range custom --start 2026-01-01 --end 2026-01-31" | "meetings --range this_week" | "meetings --range last_30_days")
    echo '{"ok":true,"result":{"meetings":[]}}' ;;
"meetings --range broken") echo '{"ok":false,"error":{"message":"no such range"}}'; exit 1 ;;
"meeting "*" --transcript") echo "{\"ok\":true,\"result\":{\"transcript\":\"Ann: we drink green tea. ($2)\"}}" ;;
"meeting "*) echo "{\"ok\":true,\"result\":{\"date\":\"2026-03-01T10:00:00Z\",\"notes\":\"about $2\"}}" ;;
*) echo "what is $*?" >&2; exit 2 ;;
esac
"#;

struct Meetings {
    programs: Programs,
    todoist: Site,
    model: Site,
    vault: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let path = stage.programs().write("granola", GRANOLA);
    stage.real_program("granola", &path, "");
    let todoist = stage.site(|asked| {
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return Answer::text(401, "text/plain", "who are you?");
        }
        Answer::json(200, &json!({"id": "t-1"}))
    });
    let at = todoist.origin();
    let model = models::set(stage, ANALYZE, |prompt| {
        assert!(prompt.contains("Ann: we drink green tea."), "{prompt}");
        Some(analysis().to_string())
    });
    let vault = stage.root("vault");
    stage.secret("todoist_api_token", TOKEN);
    stage.grant(&format!(
        r#"[components.granola-meetings]
redis = {{ prefix = "" }}
fs = [{{ root = "vault", access = "read-write" }}]
inference = {{ within = "2m" }}
http = [{{ to = "{at}/tasks", methods = ["POST"], private = true }}]
secrets = [{{ name = "todoist_api_token", to = ["{at}"] }}]
shell = [
  {{ program = "granola", arguments = ["meetings", "--range", "*"], variables = ["TERM"], within = "30s" }},
  {{ program = "granola", arguments = ["meetings", "--range", "custom", "--start", "*", "--end", "*"], variables = ["TERM"], within = "30s" }},
  {{ program = "granola", arguments = ["meeting", "*"], variables = ["TERM"], within = "30s" }},
  {{ program = "granola", arguments = ["meeting", "*", "--transcript"], variables = ["TERM"], within = "30s", output = "4MiB" }},
]
[components.granola-meetings.config]
TODOIST_API_URL = "{at}"
"#
    ));
    // The schedule itself asks for nothing while flows play.
    stage.set(GATE, "before the drill");
    let programs = stage.programs();
    Rc::new(Meetings { programs, todoist, model, vault })
}

/// What the model makes of each meeting: one task is ours, one is somebody else's, and one is a question.
fn analysis() -> Value {
    json!({
        "action_items": [
            {"task": "Buy the green tea", "owner": "Joel", "deadline": "tomorrow", "context": "for all"},
            {"task": "Wash the cups of all", "owner": "Bob"},
            {"task": "Should we buy more?", "owner": "Joel"},
        ],
        "decisions": ["We drink green tea"],
        "follow_ups": ["Ask for cups"],
        "people": ["Ann", "Bob"],
    })
}

#[async_trait::async_trait(?Send)]
impl Flow for Meetings {
    fn name(&self) -> &'static str {
        "granola and meeting-analyze"
    }

    async fn play(&self, scene: &Scene) {
        assert_eq!(schedules::triggers(scene, CRON).await, ["7 * * * *"]);
        self.lists(scene).await;
        self.once_an_hour(scene).await;
        self.planned(scene).await;
        self.again(scene).await;
        self.backfilled(scene).await;
        for key in [TOKEN, models::KEY] {
            scene.hides(key, &[]);
        }
    }
}

impl Meetings {
    /// How often the program was called with words like these.
    fn calls(&self, words: &str) -> usize {
        let calls = self.programs.calls("granola");
        calls.iter().filter(|call| call.join(" ") == words).count()
    }

    async fn lists(&self, scene: &Scene) {
        let range = json!({"range": "custom", "start": "2026-01-01", "end": "2026-01-31"});
        let run = scene.run(LIST, "granola/list.requested", &range).await;
        run.assert_steps(&["list-meetings"]);
        assert_eq!(run.result(), &json!([]));
        assert_eq!(self.calls("meetings --range custom --start 2026-01-01 --end 2026-01-31"), 1);
        // What could be an option is never an argument.
        let run = scene.run(LIST, "granola/list.requested", &json!({"range": "--help"})).await;
        assert!(run.failure().contains("a range has a name"), "{run:?}");
        assert_eq!(run.attempts("list-meetings"), 1);
        assert_eq!(self.calls("meetings --range --help"), 0);
        let run = scene.run(LIST, "granola/list.requested", &json!({"range": "broken"})).await;
        assert!(run.failure().contains("no such range"), "{run:?}");
        assert_eq!((run.attempts("list-meetings"), self.calls("meetings --range broken")), (4, 4));
    }

    /// The schedule asks once an hour, and what it asks for leads to the one new meeting.
    async fn once_an_hour(&self, scene: &Scene) {
        away_from_the_schedule().await;
        let _: i64 = scene.redis(&["DEL", GATE]);
        let _: i64 = scene.redis(&["SADD", "granola:processed", "known-1"]);
        let asked = json!({"cron": "7 * * * *"});
        let run = invoke(scene, "granola-hour", CRON, &asked).await;
        run.assert_steps(&["check-if-needed", "request-check"]);
        assert_eq!(run.result(), &json!(true));
        let lasts: i64 = scene.redis(&["TTL", GATE]);
        assert!((3200..=3300).contains(&lasts), "{lasts}");
        let again = invoke(scene, "granola-hour-again", CRON, &asked).await;
        again.assert_steps(&["check-if-needed"]);
        assert_eq!(again.result(), &json!(false));

        let by_the_hour = |data: &Value| data["source"] == CRON;
        let check = scene.follows(CHECK, CHECK_ASKED, by_the_hour).await;
        check.assert_steps(&[
            "list-recent-meetings",
            "filter-processed",
            "notify-new-meetings",
            "analyze[tea-1]",
        ]);
        let outcome = json!([{"meetingId": "tea-1", "title": "Tea: which?", "status": "analyzed"}]);
        let result = check.result();
        assert_eq!((&result["status"], &result["total"]), (&json!("new-meetings"), &json!(3)));
        assert_eq!(result["meetings"], outcome);
        let told = scene
            .told("granola.new.meetings", |payload| payload["meetings"] == json!(["Tea: which?"]));
        assert_eq!(told.len(), 1);
        assert_eq!(scene.actions(&check), ["granola.check"]);
        self.analyzed(scene, "tea-1", "heartbeat", 1).await;
    }

    /// What an analysis leaves behind; a task is made of a new meeting only.
    async fn analyzed(&self, scene: &Scene, id: &str, source: &str, tasks: usize) {
        let of = |data: &Value| data["meetingId"] == id && data["source"] == source;
        let run = scene.follows(ANALYZE, "inngest/function.invoked", of).await;
        let mut steps = vec![
            "check-processed",
            "pull-details",
            "pull-transcript",
            "analyze",
            "quality-gate-action-items",
        ];
        if tasks == 1 {
            steps.push("create-tasks[0]");
        }
        steps.extend(["write-vault-note", "emit-transcript", "mark-processed", "notify-gateway"]);
        run.assert_steps(&steps);
        let result = run.result();
        assert_eq!((&result["actionItems"], &result["tasksCreated"]), (&json!(1), &json!(tasks)));
        assert_eq!((&result["decisions"], &result["people"]), (&json!(1), &json!(2)));
        let note = result["note"].as_str().expect("a path");
        assert!(
            note.starts_with("Resources/meetings/2026-03-01-")
                && note.ends_with(&format!("-{id}.md")),
            "{note}"
        );
        let text = std::fs::read_to_string(self.vault.join(note)).expect("the note");
        for line in [
            format!("granola_id: {id}"),
            "- We drink green tea".to_owned(),
            "- [ ] Buy the green tea (Joel)".to_owned(),
            "- Ask for cups".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
        assert!(!text.contains("Wash the cups") && !text.contains("Should we"), "{text}");
        let fetched =
            scene.event("meeting/transcript.fetched", |data| data["meetingId"] == id).await;
        assert_eq!(fetched["data"]["transcript"], format!("Ann: we drink green tea. ({id})"));
        assert!(scene.redis::<bool>(&["SISMEMBER", "granola:processed", id]));
        let lasts: i64 = scene.redis(&["TTL", "granola:processed"]);
        assert!(lasts > 89 * 86_400, "{lasts}");
        let told = scene.told("meeting.analyzed", |payload| payload["analyzed"]["meetingId"] == id);
        assert_eq!(told.len(), 1);
        assert_eq!(scene.actions(&run), ["meeting.analyze"]);
        let made: Vec<_> = self.todoist.asked().into_iter().map(|asked| asked.json()).collect();
        let own = made
            .iter()
            .filter(|task| task["description"].to_string().contains(&format!("/d/{id}")));
        let own: Vec<_> = own.collect();
        assert_eq!(own.len(), tasks, "{made:?}");
        for task in own {
            assert_eq!(
                (&task["content"], &task["due_string"]),
                (&json!("[Granola] Buy the green tea"), &json!("tomorrow"))
            );
        }
    }

    /// A dry run tells what there is, and has nothing analysed.
    async fn planned(&self, scene: &Scene) {
        let run = backfill(scene, true).await;
        assert_eq!(
            run.result()["meetings"],
            json!([{"meetingId": "old-1", "title": "Old tea", "status": "planned"}])
        );
        assert_eq!((&run.output["dryRun"], &run.output["totalFound"]), (&json!(true), &json!(1)));
        assert_eq!(self.calls("meeting old-1"), 0);
    }

    /// What was looked at is not looked at again, whoever asks.
    async fn again(&self, scene: &Scene) {
        let check = scene.run(CHECK, CHECK_ASKED, &json!({"source": "drill"})).await;
        check.assert_steps(&["list-recent-meetings", "filter-processed"]);
        assert_eq!(
            (&check.result()["status"], &check.output["total"]),
            (&json!("noop"), &json!(3))
        );
        let asked = self.model.asked().len();
        let noted = json!({"meetingId": "tea-1", "title": "Tea: which?"});
        let run = scene.run(ANALYZE, "meeting/noted", &noted).await;
        run.assert_steps(&["check-processed"]);
        assert_eq!(run.result()["status"], "skipped");
        assert_eq!((self.model.asked().len(), self.calls("meeting tea-1")), (asked, 1));
    }

    async fn backfilled(&self, scene: &Scene) {
        let run = backfill(scene, false).await;
        run.assert_steps(&[
            "list[0]",
            "list[1]",
            "list[2]",
            "list[3]",
            "get-processed",
            "analyze[old-1]",
            "notify-gateway",
        ]);
        let outcome = json!([{"meetingId": "old-1", "title": "Old tea", "status": "analyzed"}]);
        assert_eq!((&run.result()["meetings"], &run.output["left"]), (&outcome, &json!(0)));
        let told = scene.told("granola.backfill", |payload| payload["backfill"]["dryRun"] == false);
        assert_eq!(told.len(), 1);
        assert_eq!(scene.actions(&run), ["granola.backfill"]);
        self.analyzed(scene, "old-1", "backfill", 0).await;
    }
}

/// Seven minutes past the hour somebody else asks for the first look of it.
async fn away_from_the_schedule() {
    let into = jiff::Timestamp::now().as_second().rem_euclid(3600).unsigned_abs();
    if (405..425).contains(&into) {
        tokio::time::sleep(std::time::Duration::from_secs(425 - into)).await;
    }
}

async fn backfill(scene: &Scene, dry: bool) -> Ran {
    let range = json!({"range": "custom", "start": "2026-01-01", "end": "2026-01-31"});
    let asked = json!({"dryRun": dry, "customRanges": [range]});
    scene.run(BACKFILL, "granola/backfill.requested", &asked).await
}
