use serde_json::json;

use super::super::facts::Function;
use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Everything well: a server elsewhere, one worker, one function with a schedule that has run.
fn well() -> Facts {
    let health = json!({
        "service": "system-bus", "app": "bus", "status": "running",
        "registration": {"state": "synced"}, "refused": [], "duplicates": [],
    });
    let crons = BTreeMap::from([("0 * * * *".to_owned(), Some(at("2026-03-01T12:00:01Z")))]);
    let function = Function { id: "beat".to_owned(), crons, listens: false };
    let app = App {
        id: "bus".to_owned(),
        url: Some("http://bus.example:3111/api/inngest".to_owned()),
        answers: Some(true),
        error: None,
        functions: vec![function],
    };
    Facts {
        now: at("2026-03-01T12:30:00Z"),
        server: Server {
            origin: "https://inngest.example".to_owned(),
            signed: true,
            clock: Some(1),
            apps: vec![app],
            ..Server::default()
        },
        workers: vec![Worker { at: "http://127.0.0.1:3111".to_owned(), health: Ok(health) }],
    }
}

/// The codes of what is found once something is changed; each finding says what to do.
#[track_caller]
fn codes(change: impl FnOnce(&mut Facts)) -> Vec<&'static str> {
    let mut facts = well();
    change(&mut facts);
    let all = of(&facts);
    for one in &all {
        assert!(!one.about.is_empty() && !one.what.is_empty() && !one.fix.is_empty(), "{one:?}");
    }
    all.into_iter().map(|one| one.code).collect()
}

fn health(facts: &mut Facts) -> &mut Value {
    facts.workers[0].health.as_mut().expect("it tells")
}

#[test]
fn nothing_is_wrong_where_all_is_well() {
    assert!(codes(|_| {}).is_empty());
}

#[test]
fn a_server_that_tells_nothing() {
    for (trouble, signed, code) in [
        (Trouble::Away("refused".to_owned()), true, "server-away"),
        (Trouble::Key("401".to_owned()), true, "key-refused"),
        (Trouble::Key("401".to_owned()), false, "signing-mode"),
        (Trouble::Other("500".to_owned()), true, "server-odd"),
    ] {
        let found = codes(|facts| {
            facts.server.trouble = Some(trouble);
            facts.server.signed = signed;
            facts.server.apps.clear();
        });
        assert_eq!(found, [code]);
    }
}

#[test]
fn clocks_that_are_apart() {
    assert!(codes(|facts| facts.server.clock = Some(-60)).is_empty());
    assert_eq!(codes(|facts| facts.server.clock = Some(-61)), ["clock"]);
}

#[test]
fn pages_that_anybody_may_read() {
    assert_eq!(codes(|facts| facts.server.open = true), ["open-pages"]);
    let local = |facts: &mut Facts| {
        facts.server.open = true;
        facts.server.origin = "http://127.0.0.1:8288".to_owned();
    };
    assert!(codes(local).is_empty(), "only this machine reaches them");
}

#[test]
fn a_registration_that_was_refused() {
    let found = codes(|facts| facts.server.apps[0].error = Some("no trigger".to_owned()));
    assert_eq!(found, ["sync-refused"]);
}

#[test]
fn a_worker_that_is_away_or_not_registered() {
    let away = codes(|facts| facts.workers[0].health = Err("refused".to_owned()));
    assert_eq!(away, ["worker-away"]);
    for (state, codes_of) in [
        (json!({"state": "pending", "error": "why"}), "not-registered"),
        (json!({"state": "stood_down"}), "stood-down"),
    ] {
        assert_eq!(codes(|facts| health(facts)["registration"] = state), [codes_of]);
    }
    let blocked = codes(|facts| {
        health(facts)["registration"] = json!({"state": "blocked"});
        health(facts)["duplicates"] = json!(["beat is of old-bus"]);
    });
    assert_eq!(blocked, ["function-twice"]);
}

#[test]
fn components_that_are_refused_or_may_not_do_what_they_import() {
    let refused = codes(|facts| health(facts)["refused"] = json!(["component torn: why"]));
    assert_eq!(refused, ["refused"]);
    let grant = "component x imports redis, and no grant allows it; its calls are refused";
    let found = codes(|facts| health(facts)["warnings"] = json!([grant, "something else"]));
    assert_eq!(found, ["missing-grant", "warning"]);
}

#[test]
fn an_address_that_the_server_cannot_call() {
    let found = codes(|facts| {
        facts.server.apps[0].url = Some("http://localhost:3111/api/inngest".to_owned());
    });
    assert_eq!(found, ["callback"]);
}

#[test]
fn functions_that_no_live_worker_owns() {
    let old = |answers| {
        move |facts: &mut Facts| {
            let function = Function { id: "old".to_owned(), listens: true, ..Function::default() };
            let url = Some("http://old.example:3111/api/inngest".to_owned());
            let functions = vec![function];
            facts.server.apps.push(App {
                id: "old-bus".to_owned(),
                url,
                answers,
                functions,
                error: None,
            });
        }
    };
    assert_eq!(codes(old(Some(false))), ["no-owner"]);
    assert!(codes(old(Some(true))).is_empty());
    assert!(codes(old(None)).is_empty(), "nobody looked");
}

#[test]
fn functions_of_two_apps() {
    let found = codes(|facts| {
        let mut other = facts.server.apps[0].clone();
        other.id = "old-bus".to_owned();
        facts.server.apps.push(other);
    });
    assert_eq!(found, ["function-twice"]);
}

#[test]
fn schedules_that_did_not_run() {
    let set = |cron: &str, last: Option<&str>| {
        let crons = BTreeMap::from([(cron.to_owned(), last.map(at))]);
        codes(move |facts| facts.server.apps[0].functions[0].crons = crons)
    };
    assert_eq!(set("0 * * * *", Some("2026-03-01T10:00:01Z")), ["cron-missed"]);
    assert!(set("0 * * * *", None).is_empty(), "it may be new");
    assert!(set("27 * * * *", Some("2026-03-01T11:27:01Z")).is_empty(), "it may still come");
    assert_eq!(set("24 * * * *", Some("2026-03-01T11:24:01Z")), ["cron-missed"]);
    assert_eq!(set("every morning", None), ["cron-odd"]);
}
