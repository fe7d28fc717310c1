use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::delivery::{Delivery, Headers};
use crate::shape::{self, Read, ShapeError, shape};
use crate::verify::believed;

fn event(provider: &str, headers: &[(&str, &str)], body: &Value) -> Option<Value> {
    made(provider, headers, body).expect("nothing is lacking")
}

/// The same, at this moment after the first.
fn made_at(
    nanoseconds: i128,
    provider: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Option<Value>, ShapeError> {
    let providers = Providers::built_in();
    let provider = providers.get(provider).expect("a provider");
    let delivery = Delivery {
        headers: Headers::new(headers.iter().copied()),
        body: Bytes::from(body.to_string()),
        at: Timestamp::from_nanosecond(1_790_000_000_123_000_000 + nanoseconds).expect("a time"),
        from: [127, 0, 0, 1].into(),
    };
    let parsed = shape::parse(believed(&delivery)).expect("JSON");
    let id = headers.iter().find(|(name, _)| *name == "webhook-id").map(|(_, value)| *value);
    let read = Read { delivery: &delivery, body: &parsed, id };
    let Some(shaped) = shape(&provider.rules, read)? else { return Ok(None) };
    let event = shape::event(&provider.name, &provider.prefix, shaped, &delivery)?;
    Ok(Some(serde_json::to_value(&event).expect("JSON")))
}

fn made(
    provider: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Option<Value>, ShapeError> {
    made_at(0, provider, headers, body)
}

#[test]
fn a_finished_workflow_run_of_github() {
    let body = json!({
        "action": "completed",
        "workflow_run": {
            "id": 42, "run_number": 7, "run_attempt": 1, "workflow_id": 9, "name": "CI", "event": "push",
            "status": "completed", "conclusion": null, "html_url": "https://github.com/o/r/actions/runs/42",
            "jobs_url": "https://api.github.com/jobs", "logs_url": "https://api.github.com/logs",
            "head_branch": "main", "head_sha": "abc", "actor": {"login": "octocat"},
            "head_repository": {"full_name": "o/fork"}, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:01:00Z"
        },
        "repository": {"full_name": "o/r", "html_url": "https://github.com/o/r"},
        "sender": {"login": "somebody"}
    });
    let headers = [("X-GitHub-Event", "workflow_run"), ("X-GitHub-Delivery", "d-1")];
    assert_eq!(
        event("github", &headers, &body),
        Some(json!({
            "name": "github/workflow_run.completed",
            "id": "github-workflow-run-completed-d-1-42",
            "ts": 1_790_000_000_123_i64,
            "data": {
                "action": "completed", "deliveryId": "d-1", "runId": 42, "runNumber": 7, "runAttempt": 1,
                "workflowId": 9, "workflowName": "CI", "event": "push", "status": "completed",
                "conclusion": null, "htmlUrl": "https://github.com/o/r/actions/runs/42",
                "jobsUrl": "https://api.github.com/jobs", "logsUrl": "https://api.github.com/logs",
                "branch": "main", "headSha": "abc", "actorLogin": "octocat", "repository": "o/r",
                "repositoryUrl": "https://github.com/o/r", "headRepository": "o/fork",
                "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:01:00Z",
                "completedAt": "2026-01-01T00:01:00Z"
            }
        }))
    );
    for (name, action) in [("workflow_run", "requested"), ("push", "completed")] {
        let other = json!({"action": action, "workflow_run": {"id": 1}});
        assert_eq!(event("github", &[("x-github-event", name)], &other), None, "{name} {action}");
    }
}

/// Provider, headers, body → name, id and data.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Value,
    &'static str,
    &'static str,
    Value,
);

fn of_tools() -> Vec<Case> {
    vec![
        (
            "github",
            &[("x-github-event", "package"), ("x-github-delivery", "d-2")],
            json!({"action": "published", "package": {"name": "p", "ecosystem": "npm", "package_type": "npm",
                "html_url": "u", "package_version": {"version": "1.2.0", "html_url": "v"}},
                "repository": {"full_name": "o/r", "html_url": "r"}, "sender": {"login": "s"}}),
            "github/package.published",
            "github-package-published-d-2",
            json!({"action": "published", "packageName": "p", "ecosystem": "npm", "packageType": "npm",
                "packageHtmlUrl": "u", "versionName": "1.2.0", "versionHtmlUrl": "v", "repository": "o/r",
                "repositoryUrl": "r", "sender": "s"}),
        ),
        (
            "vercel",
            &[],
            json!({"type": "deployment.error", "id": "evt", "createdAt": 17, "payload": {"target": null,
                "plan": "pro", "regions": ["sfo1"], "links": {"deployment": "l", "project": "p"},
                "project": {"id": "prj"}, "deployment": {"id": "dpl", "url": "u", "name": "site",
                "meta": {"githubCommitSha": "abc", "githubCommitRef": "main"}}}}),
            "vercel/deploy.error",
            "vercel-deployment.error-evt-17",
            json!({"deploymentId": "dpl", "deploymentUrl": "u", "projectName": "site", "projectId": "prj",
                "target": null, "plan": "pro", "regions": ["sfo1"], "dashboardUrl": "l",
                "projectDashboardUrl": "p", "gitCommitSha": "abc", "gitBranch": "main"}),
        ),
        (
            "vercel",
            &[],
            json!({"type": "deployment-ready", "createdAt": 18, "payload": {"deployment": {"id": "dpl"}}}),
            "vercel/deploy.ready",
            "vercel-deployment-ready-dpl-18",
            json!({"deploymentId": "dpl"}),
        ),
        (
            "todoist",
            &[],
            json!({"event_name": "note:added", "initiator": {"id": "u1"}, "event_data": {"id": "n1",
                "item_id": "t1", "content": "hello", "item": {"content": "task", "project_id": "p1"}}}),
            "todoist/comment.added",
            "todoist-note:added-n1",
            json!({"taskId": "t1", "commentId": "n1", "commentContent": "hello", "taskContent": "task",
                "projectId": "p1", "initiatorId": "u1"}),
        ),
        (
            "todoist",
            &[("X-Todoist-Delivery-ID", "del-9")],
            json!({"event_name": "item:completed", "event_data": {"id": "t1", "content": "c",
                "description": "d", "project_id": "p1", "labels": ["a"]}}),
            "todoist/task.completed",
            "todoist-item:completed-t1-del-9",
            json!({"taskId": "t1", "taskContent": "c", "taskDescription": "d", "projectId": "p1", "labels": ["a"]}),
        ),
        (
            "todoist",
            &[],
            json!({"event_name": "item:deleted", "event_data": {"id": "t1", "content": "c",
                "description": "d", "project_id": "p1", "labels": []}}),
            "todoist/task.deleted",
            "todoist-item:deleted-t1",
            json!({"taskId": "t1", "taskContent": "c", "projectId": "p1", "labels": []}),
        ),
    ]
}

fn of_services() -> Vec<Case> {
    vec![
        (
            "mux",
            &[],
            json!({"type": "video.asset.track.ready", "data": {"id": "a1", "status": "ready"}, "created_at": "now"}),
            "mux/asset.track.ready",
            "mux-video.asset.track.ready-a1-now",
            json!({"id": "a1", "status": "ready", "eventType": "video.asset.track.ready"}),
        ),
        (
            "stripe",
            &[],
            json!({"object": "event", "id": "evt_1", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}),
            "stripe/invoice.paid",
            "stripe-evt_1",
            json!({"object": "event", "id": "evt_1", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}),
        ),
        (
            "slack",
            &[],
            json!({"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1",
                "event_time": 5, "event": {"type": "message", "text": "hi"}}),
            "slack/message",
            "slack-Ev1",
            json!({"type": "message", "text": "hi", "teamId": "T1", "apiAppId": "A1", "eventId": "Ev1", "eventTime": 5}),
        ),
        (
            "standard",
            &[("webhook-id", "msg_1")],
            json!({"type": "contact.created", "data": {"id": 1}}),
            "standard/contact.created",
            "standard-msg_1",
            json!({"type": "contact.created", "data": {"id": 1}}),
        ),
        (
            "telnyx",
            &[],
            json!({"data": {"event_type": "call.initiated", "id": "e1", "payload": {"to": "+1"}}}),
            "telnyx/call.initiated",
            "telnyx-call.initiated-e1",
            json!({"to": "+1"}),
        ),
    ]
}

#[test]
fn what_becomes_of_deliveries() {
    let cases = [of_tools(), of_services()].concat();
    for (provider, headers, body, name, id, data) in cases {
        let event = event(provider, headers, &body).unwrap_or_default();
        assert_eq!(
            (&event["name"], &event["id"], &event["data"]),
            (&json!(name), &json!(id), &data),
            "{provider}"
        );
    }
}

#[test]
fn a_whole_event_keeps_its_name_id_and_time_and_is_meant_each_time_without_an_id() {
    let body = json!({"name": "shop/order.paid", "data": {"n": 1}});
    let sent = event("joelclaw", &[], &body).expect("an event");
    assert_eq!((&sent["name"], &sent["data"]), (&json!("shop/order.paid"), &json!({"n": 1})));
    assert_eq!(sent["ts"], 1_790_000_000_123_i64);
    let again = made_at(1, "joelclaw", &[], &body).expect("an event").expect("an event");
    assert_ne!(sent["id"], again["id"], "whoever sends the same twice means it");
    let own = json!({"name": "shop/order.paid", "data": null, "id": "7", "ts": 5});
    let [sent, again] = [0, 1].map(|at| made_at(at, "joelclaw", &[], &own).expect("an event"));
    assert_eq!(sent, again);
    let sent = sent.expect("an event");
    assert_eq!(
        (&sent["id"], &sent["ts"], &sent["data"]),
        (&json!("joelclaw-7"), &json!(5), &json!({}))
    );
}

#[test]
fn what_would_be_lost_is_refused() {
    let lacking = |provider, body: &Value| {
        let error = made(provider, &[], body).expect_err("it lacks something");
        assert!(matches!(error, ShapeError::Lacking(_)), "{error}");
        error.to_string()
    };
    for (provider, body) in [("joelclaw", json!({"data": {}})), ("standard", json!([1, 2]))] {
        assert!(lacking(provider, &body).contains("does not say what it is"), "{provider}");
    }
    for data in [json!([1]), json!("text"), json!(1)] {
        let error = lacking("joelclaw", &json!({"name": "a/b", "data": data}));
        assert!(error.contains("its data are no object"), "{error}");
    }
    let nested = |levels: usize| {
        let data = (1..levels).fold(json!({"a": 1}), |inner, _| json!({ "a": inner }));
        made("joelclaw", &[], &json!({"name": "a/b", "data": data}))
    };
    assert!(nested(100).is_ok());
    let error = nested(101).expect_err("too deep").to_string();
    assert!(error.contains("nested deeper than 100 levels"), "{error}");
}

#[test]
fn what_nobody_wants_to_hear_is_no_event() {
    for (provider, body) in [
        ("vercel", json!({"type": "project.created"})),
        ("todoist", json!({"event_name": "item:updated"})),
        ("mux", json!({"type": "live_stream.idle", "data": {}})),
        ("slack", json!({"type": "app_rate_limited"})),
        ("stripe", json!({"object": "charge", "type": "x"})),
        ("telnyx", json!({"data": {"event_type": "call.bridged"}})),
    ] {
        assert_eq!(event(provider, &[], &body), None, "{provider}");
    }
}

const VERIFY: &str = "[[verify]]\nmethod = 'hmac-sha256'\nheader = 'x-sig'\nencoding = 'hex'\nsigns = '{body}'\nsecrets = ['acme_webhook_secret']\n";
const EVENTS: &str = "[[events]]\nname = 'a'\nid = '{body.id}'\n";

#[test]
fn adding_a_provider_is_one_file_and_one_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("acme.toml"), format!("{VERIFY}{EVENTS}")).expect("a file");
    let providers = Providers::with_folder(folder.path()).expect("sound");
    let acme = providers.get("acme").expect("it is there");
    assert_eq!(
        (acme.prefix.as_str(), acme.secrets().collect::<Vec<_>>()),
        ("acme", vec!["acme_webhook_secret"])
    );
    assert!(providers.get("github").is_some(), "beside those that come with the program");
    // One of the same name takes the place of ours.
    std::fs::write(folder.path().join("github.toml"), format!("{VERIFY}{EVENTS}")).expect("a file");
    let providers = Providers::with_folder(folder.path()).expect("sound");
    assert_eq!(providers.get("github").map(|own| own.secrets().count()), Some(1));
    assert_eq!(
        providers.get("github").and_then(|own| own.secrets().next()),
        Some("acme_webhook_secret")
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, _) in wrong() {
        std::fs::write(folder.path().join(format!("{name}.toml")), text).expect("a file");
    }
    let problems = Providers::with_folder(folder.path()).expect_err("all of them are wrong");
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), wrong().len(), "{said:#?}");
    for (name, _, says) in wrong() {
        let own = said.iter().find(|said| said.contains(&format!("provider {name}:")));
        let own = own.unwrap_or_else(|| panic!("{name} is not named in {said:#?}"));
        assert!(own.contains(says), "{name}: {own}");
    }
}

fn wrong() -> Vec<(&'static str, String, &'static str)> {
    let with = |from: &str, to: &str| format!("{VERIFY}{EVENTS}").replace(from, to);
    vec![
        ("a1", EVENTS.to_owned(), "everybody could send"),
        ("a2", VERIFY.to_owned(), "nothing would ever be sent"),
        (
            "a3",
            format!("insecure_none = true\n{VERIFY}{EVENTS}"),
            "insecure_none = true believes everybody",
        ),
        ("a5", with("header", "heeder"), "unknown field `heeder`"),
        ("a6", with("{body}", "x"), "signs no body"),
        ("a7", with("{body}", "{time}{body}"), "no [verify.time]"),
        ("a8", with("encoding", "time = { header = 't' }\nencoding"), "proves nothing"),
        ("a9", with("['acme_webhook_secret']", "[]"), "needs the name of a secret"),
        ("b1", with("['acme_webhook_secret']", "['Acme Secret']"), "needs the name of a secret"),
        ("b2", with("{body.id}", "{bdy.id}"), "is no place in a delivery"),
        ("b3", with("name = 'a'", "by = 'body.x'"), "needs either name"),
        ("b4", with("hmac-sha256", "md5"), "unknown variant `md5`"),
        (
            "b5",
            with("encoding", "time = { header = 't', within_seconds = 0 }\nencoding")
                .replace("{body}'", "{time}{body}'"),
            "within_seconds is 0",
        ),
        ("b9", with("encoding", "delivery = 'X-Id'\nencoding"), "delivery is \"x-id\""),
        ("B6", format!("{VERIFY}{EVENTS}"), "small letters"),
        ("b7", "x = ".to_owned(), "TOML parse error"),
        ("b8", with("id = '{body.id}'", "id = '{body.id'"), "without its other one"),
    ]
}
