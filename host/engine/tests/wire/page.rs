//! The page over a real socket: each route, who may use it, and whether what it shows is what the API tells.

use engine::{Engine, Options, PageAccess, Sample};
use protocol::id::StepId;
use protocol::signature::SigningKey;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done, op, ops, ran};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn page(client: &Client, path: &str) -> String {
    let (status, body) = client.request("GET", path, &[], "").await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// The token that a form on this page carries.
fn token(html: &str) -> &str {
    let rest = html.split("name=\"token\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("a token")
}

/// An attribute of each row of a timeline.
fn attribute<'h>(row: &'h str, name: &str) -> &'h str {
    let rest = row.split(&format!(" {name}=\"")).nth(1).expect(name);
    rest.split('"').next().expect("a value")
}

async fn engine_with_one_run() -> (Engine, Worker, Client, String) {
    let worker = Worker::start(None, |seen| {
        if seen.memo("one").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(60));
            let timed = json!({"data": 1, "timing": {"a": 1, "b": 41_000_000}});
            return ops(&[op("StepRun", "one", &timed)]);
        }
        if seen.memo("nap").is_none() {
            return ops(&[op("Sleep", "nap", &json!({"name": "30ms"}))]);
        }
        if seen.memo("two").is_none() {
            if seen.attempt() == 0 {
                let error = json!({"error": {"name": "E", "message": "<not> yet"}});
                return ops(&[op("StepError", "two", &error)]);
            }
            return ran("two", &json!(2));
        }
        done(json!({"text": "<b>done</b>"}))
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 3)]).await;
    let event = client.send(&json!({"name": "a/b", "data": {"x": "</pre><script>"}})).await;
    let run = client.ended(&event).await["run_id"].as_str().expect("an id").to_owned();
    (engine, worker, client, run)
}

#[tokio::test]
async fn a_timeline_is_that_of_the_trace_to_the_millisecond() {
    let (engine, _worker, client, run) = engine_with_one_run().await;
    let html = page(&client, &format!("/runs/{run}")).await;
    let (_, trace) = client.get(&format!("/v2/runs/{run}/trace")).await;
    let children = trace["data"]["rootSpan"]["children"].as_array().expect("steps").clone();
    assert_eq!(children.len(), 3, "{trace}");
    let rows: Vec<&str> = html.split("<tr class=\"spans\"").skip(1).collect();
    for child in &children {
        let step = child["stepId"].as_str().expect("an id");
        // The last attempt is the one that the trace tells of.
        let row = rows.iter().rfind(|row| attribute(row, "data-step") == step).expect("a row");
        for (name, member) in
            [("data-queued", "queuedAt"), ("data-started", "startedAt"), ("data-ended", "endedAt")]
        {
            let told: jiff::Timestamp =
                child[member].as_str().and_then(|at| at.parse().ok()).expect(member);
            let shown: jiff::Timestamp = attribute(row, name).parse().expect(name);
            assert_eq!(shown.as_millisecond(), told.as_millisecond(), "{name} of {child}");
        }
        for (name, member) in [("data-host-ms", "hostMs"), ("data-guest-ms", "guestMs")] {
            let shown: f64 = attribute(row, name).parse().expect(name);
            let told = child[member].as_f64().expect(member);
            assert!((shown - told).abs() < 1.0, "{name}: {shown} and {told}");
        }
    }
    // What the worker took is known from elsewhere than the timeline.
    let one = children.iter().find(|child| child["name"] == "one").expect("a step");
    assert_eq!(one["guestMs"], 41.0);
    assert!(one["hostMs"].as_f64().is_some_and(|host| host >= 19.0), "{one}");
    let nap = children.iter().find(|child| child["name"] == "nap").expect("a sleep");
    assert!(nap["durationMs"].as_f64().is_some_and(|nap| nap >= 30.0), "{nap}");
    assert_eq!((&nap["guestMs"], &nap["stepOp"]), (&json!(0.0), &json!("SLEEP")));
    let two = children.iter().find(|child| child["name"] == "two").expect("a step");
    assert_eq!(two["attempts"], 2);
    assert!(html.contains("tried again") && html.contains("&lt;not&gt; yet"), "{html}");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_run_shows_what_its_steps_logged_and_goes_on_from_one_of_them() {
    let (engine, worker, client, run) = engine_with_one_run().await;
    let view = format!("/runs/{run}");
    // A worker that knows nothing of logs takes nothing away.
    let html = page(&client, &view).await;
    assert!(html.contains("What it logged is not known. Its worker did not tell at"), "{html}");
    let line = |step: Option<&str>, attempt: u32, text: &str| {
        let step = step.map(|step| StepId::hash(step).to_string());
        json!({"at": "2026-11-22T13:00:00Z", "level": "warn", "text": text, "step": step,
            "attempt": attempt, "stream": "stdout"})
    };
    let lines = json!([
        line(None, 0, "on its way"),
        line(Some("two"), 0, "the first <time>"),
        line(Some("two"), 1, "the second"),
        line(Some("one"), 9, "of an attempt that is not known"),
        line(Some("gone"), 0, "of a step that is not known"),
    ]);
    worker.tells("logs", json!({"lines": lines, "gone": 3, "run": run}));
    let html = page(&client, &view).await;
    assert!(html.contains("It logged 3 earlier lines"), "{html}");
    // Up to where the next row begins.
    let rows: Vec<&str> = html.split("<tr class=\"spans\"").skip(1).collect();
    let row = |step: &str, at: usize| {
        let step = StepId::hash(step).to_string();
        let mut rows = rows.iter().filter(|row| attribute(row, "data-step") == step);
        rows.nth(at).expect("a row").split("</table>").next().expect("its part")
    };
    for (step, at, says, result) in [
        ("one", 0, "of an attempt that is not known", true),
        ("two", 0, "the first &lt;time&gt;", false),
        ("two", 1, "the second", true),
    ] {
        let row = row(step, at);
        assert!(row.contains(says) && row.matches("<li>").count() == 1, "{step} {at}: {row}");
        assert_eq!(row.contains("Result</summary>"), result, "{step} {at}: {row}");
    }
    let between = html.split("Logged between the steps").nth(1).expect("a part for them");
    for says in ["on its way", "of a step that is not known"] {
        assert!(between.contains(says), "{says}: {between}");
    }

    // What a step left, whole.
    let (two, nap) = (StepId::hash("two"), StepId::hash("nap"));
    assert_eq!(page(&client, &format!("{view}/steps/{two}")).await, r#"{"data":2}"#);
    for step in ["x".to_owned(), StepId::hash("gone").to_string()] {
        let (status, html) = client.request("GET", &format!("{view}/steps/{step}"), &[], "").await;
        assert_eq!(status, 404);
        assert!(html.contains("has no step"), "{html}");
    }
    // From the second step on: what ended before it is kept.
    let before = worker.calls().len();
    let form = format!("token={}&step={nap}", token(&html));
    assert_eq!(client.request("POST", &format!("{view}/rerun"), &[FORM], &form).await.0, 303);
    let ended = client.until("/v2/runs?status=COMPLETED", |runs| {
        runs["data"].as_array().is_some_and(|runs| runs.len() == 2)
    });
    ended.await;
    let calls = worker.calls().split_off(before);
    assert!(calls.iter().all(|call| call.memo("one") == Some(&json!({"data": 1}))), "{calls:?}");
    assert!(calls[0].memo("nap").is_none() && calls[0].memo("two").is_none());
    let form = format!("token={}&step=unknown", token(&html));
    let (status, said) = client.request("POST", &format!("{view}/rerun"), &[FORM], &form).await;
    assert_eq!(status, 404);
    assert!(said.contains("no finished step"), "{said}");
    engine.shutdown().await;
}

#[tokio::test]
async fn every_view_is_shown_and_what_comes_from_runs_stays_text() {
    let (engine, _worker, client, run) = engine_with_one_run().await;
    let (_, event) = client.get(&format!("/v1/runs/{run}")).await;
    let event = event["data"]["event_id"].as_str().expect("an id").to_owned();
    for (path, says) in [
        ("/".to_owned(), "app-f</a>"),
        ("/?status=completed&function=app-f".to_owned(), "app-f</a>"),
        ("/?status=failed".to_owned(), "No run is like that"),
        (format!("/runs/{run}"), "&lt;b&gt;done&lt;/b&gt;"),
        ("/events".to_owned(), "a/b</a>"),
        (format!("/events/{event}"), "&lt;/pre&gt;&lt;script&gt;"),
        ("/send".to_owned(), "value=\"a/b\""),
        (format!("/send?event={event}"), "&lt;/pre&gt;&lt;script&gt;"),
        ("/functions".to_owned(), "did not tell at"),
        ("/generations".to_owned(), "did not tell at"),
        ("/assets/style.css".to_owned(), "prefers-color-scheme"),
        ("/assets/script.js".to_owned(), "use strict"),
    ] {
        let html = page(&client, &path).await;
        assert!(html.contains(says), "{path} does not say {says}: {html}");
        assert!(path.starts_with("/assets") || html.matches("<script").count() == 1, "{path}");
    }
    for path in ["/runs/x", "/runs/01M81GXWDSDGCZ96C9KR1PCRGG", "/events/x"] {
        let (status, html) = client.request("GET", path, &[], "").await;
        assert_eq!(status, 404);
        assert!(html.contains("There is no"), "{html}");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn forms_send_events_cancel_runs_and_do_them_again() {
    let worker = Worker::start(None, |seen| match seen.memo("nap") {
        None => ops(&[op("Sleep", "nap", &json!({"name": "1h"}))]),
        Some(_) => done(Value::Null),
    })
    .await;
    let sample =
        Sample { name: "a/b".into(), data: r#"{"from":"file"}"#.into(), from: "one.json".into() };
    let samples = vec![sample];
    let engine = Engine::start(Options { samples, ..options() }).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 3)]).await;

    let html = page(&client, "/send").await;
    assert!(html.contains("from&quot;:&quot;file") && html.contains("one.json"), "{html}");
    let token = token(&html).to_owned();
    let sealed = |rest: &str| format!("token={token}{rest}");
    let (status, html) =
        client.request("POST", "/send", &[FORM], &sealed("&name=a%2Fb&data=%7B")).await;
    assert_eq!(status, 400);
    assert!(html.contains("The data is no JSON"), "{html}");
    let sent = sealed("&name=a%2Fb&data=%7B%22n%22%3A7%7D");
    assert_eq!(client.request("POST", "/send", &[FORM], &sent).await.0, 303);
    let waiting = client.until("/v2/runs", |runs| runs["data"][0]["status"] == "RUNNING").await;
    let run = waiting["data"][0]["id"].as_str().expect("an id").to_owned();
    // Its first call has to be answered: before that it waits for nothing.
    let mut looks = 0;
    while !page(&client, &format!("/runs/{run}")).await.contains("nap") {
        looks += 1;
        assert!(looks < 1000, "it never naps");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    // Whoever does not have the token, or comes from elsewhere, changes nothing.
    let cancel = format!("/runs/{run}/cancel");
    let elsewhere = ("origin", "http://127.0.0.1:1");
    for (headers, body, says) in [
        (vec![FORM], "token=guessed".to_owned(), "not of this page"),
        (vec![FORM], String::new(), "not of this page"),
        (vec![FORM, elsewhere], sealed(""), "another page"),
        (vec![FORM, ("origin", "https://example.com")], sealed(""), "other machines"),
        (vec![FORM, ("sec-fetch-site", "cross-site")], sealed(""), "another page"),
    ] {
        let (status, html) = client.request("POST", &cancel, &headers, &body).await;
        assert_eq!(status, 403, "{headers:?}");
        assert!(html.contains(says), "{html}");
    }
    assert_eq!(client.get(&format!("/v2/runs/{run}")).await.1["data"]["status"], "RUNNING");

    assert_eq!(client.request("POST", &cancel, &[FORM], &sealed("")).await.0, 303);
    assert_eq!(client.get(&format!("/v2/runs/{run}")).await.1["data"]["status"], "CANCELLED");
    assert!(page(&client, &format!("/runs/{run}")).await.contains("left</span>"));
    let again = format!("/runs/{run}/rerun");
    assert_eq!(client.request("POST", &again, &[FORM], &sealed("")).await.0, 303);
    assert_eq!(client.get("/v2/runs").await.1["data"].as_array().map(Vec::len), Some(2));
    engine.shutdown().await;
}

#[tokio::test]
async fn a_form_has_a_field_for_each_member_that_a_function_expects() {
    let (engine, worker, client, _) = engine_with_one_run().await;
    assert!(page(&client, "/send?name=a/b").await.contains("id=\"data\""), "nothing is known");
    let schema = json!({
        "properties": {
            "n": {"type": "integer", "description": "How <many>."}, "x": {"type": "string"}},
        "required": ["n"],
    });
    let takes = json!({"event": "a/b", "fields": ["n", "x"], "schema": schema});
    let function = json!({"id": "f", "component": "c", "home": "host", "input": [takes]});
    worker.tells("functions", json!({"functions": [function]}));
    // The last event of that name had an x.
    let html = page(&client, "/send?name=a/b").await;
    for says in [
        "name=\"of.number.required.n\"",
        "How &lt;many&gt;.",
        "name=\"of.text.optional.x\" value=\"&lt;/pre&gt;",
        "aria-describedby",
        "as=json",
    ] {
        assert!(html.contains(says), "{says}: {html}");
    }
    assert!(page(&client, "/send?name=a/b&as=json").await.contains("id=\"data\""));
    assert!(page(&client, "/send?name=a/c").await.contains("id=\"data\""), "of another event");
    assert!(page(&client, "/functions").await.contains("Schema of a/b"));

    let token = token(&html).to_owned();
    let form = |fields: &str| format!("token={token}&name=a%2Fb&{fields}");
    let wrong = form("of.number.required.n=seven&of.text.optional.x=kept&of.json.optional.=%7B");
    let (status, html) = client.request("POST", "/send", &[FORM], &wrong).await;
    assert_eq!(status, 400);
    for says in ["is not a number", "value=\"seven\"", "value=\"kept\"", "It is no JSON", ">{<"] {
        assert!(html.contains(says), "{says}: {html}");
    }
    let right =
        form("of.number.required.n=7&of.text.optional.x=&of.json.optional.=%7B%22m%22%3A1%7D");
    assert_eq!(client.request("POST", "/send", &[FORM], &right).await.0, 303);
    let events = client.get("/v1/events?name=a/b").await.1;
    assert_eq!(events["data"][0]["data"], json!({"n": 7, "m": 1}), "{events}");
    engine.shutdown().await;
}

#[tokio::test]
async fn ten_thousand_rows_are_shown_in_parts() {
    let worker = Worker::start(None, |_| done(Value::Null)).await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    for path in ["/", "/events"] {
        assert!(page(&client, path).await.contains("class=\"nothing\""), "{path} has no rows");
    }
    // All but the first are there and wait: what is shown of them does not need ten thousand calls.
    let mut function = worker.function("app-f", &json!([{"event": "a/b"}]), 3);
    function["throttle"] = json!({"limit": 1, "period": "1h"});
    client.register("app", &[function]).await;
    let events = vec![json!({"name": "a/b", "data": {}}); 500];
    for _ in 0..20 {
        assert_eq!(client.post("/e/key", &json!(events)).await.0, 200);
    }
    for (path, all) in [("/", "10000 runs"), ("/events", " events. ")] {
        let first = page(&client, path).await;
        assert!(first.contains(all), "{path}");
        assert_eq!(first.matches("scope=\"row\"").count(), 50);
        let href =
            first.split("rel=\"next\"").next().and_then(|html| html.rsplit("href=\"").next());
        let href = href.and_then(|href| href.split('"').next()).expect("a link to older rows");
        let second = page(&client, &href.replace("&amp;", "&")).await;
        assert_eq!(second.matches("scope=\"row\"").count(), 50);
        assert!(second.contains("rel=\"prev\"") && second.contains("rel=\"next\""));
        assert!(!second.contains("data-live"), "an older part does not move under its reader");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn the_page_is_for_this_machine_and_where_it_is_asked_for_only_with_the_key() {
    let key = SigningKey::parse("signkey-test-12345678").expect("a key");
    for (access, bare) in [(PageAccess::Local, 200), (PageAccess::SigningKey, 401)] {
        let signing_key = Some(key.clone());
        let engine = Engine::start(Options { signing_key, page: access, ..options() })
            .await
            .expect("an engine");
        let client = Client::of(&engine);
        assert_eq!(client.request("GET", "/", &[], "").await.0, bare);
        // `me:12345678`, and another password.
        let given = ("authorization", "Basic bWU6MTIzNDU2Nzg=");
        assert_eq!(client.request("GET", "/", &[given], "").await.0, 200);
        let wrong = ("authorization", "Basic bWU6eA==");
        assert_eq!(client.request("GET", "/", &[wrong], "").await.0, bare);
        engine.shutdown().await;
    }
}
