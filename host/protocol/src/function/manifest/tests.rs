use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::function::{Scope, SingletonMode};

/// A function named `f` with these members beside its id.
fn with(members: &str) -> String {
    let triggers = if members.contains("\"triggers\"") {
        String::new()
    } else {
        r#","triggers":[{"event":"a/b"}]"#.to_owned()
    };
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"functions":[{{"id":"f"{triggers}{comma}{members}}}]}}"#)
}

fn one(members: &str) -> FunctionConfig {
    let mut manifest = Manifest::parse(&with(members)).expect(members);
    assert_eq!(manifest.refused, [], "{members}");
    manifest.functions.remove(0)
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(
        r#"{"sdk":"rust/0.1.0","more":1,"functions":[
            {"id":"a","name":"A","retries":2,"triggers":[
                {"event":"shop/order.paid","expression":"event.data.total > 10"},
                {"cron":"TZ=Europe/Berlin 0 9 * * 1-5","jitter":"30s"},
                {"failure_of":"b"}]},
            {"id":"b","triggers":[{"event":"shop/*"}]}]}"#,
    )
    .expect("valid");
    let [a, b] = manifest.functions.as_slice() else { panic!("two: {manifest:?}") };
    assert_eq!((a.retries, a.triggers.len()), (Retries::new(2), 3));
    let Trigger::Cron { jitter, .. } = &a.triggers[1] else { panic!("{a:?}") };
    assert_eq!(*jitter, Some(Duration::from_secs(30)));
    assert_eq!(a.triggers[2], Trigger::FailureOf(b.id.clone()));
    assert_eq!((b.name.as_str(), b.retries), ("b", None));
}

#[test]
fn every_option_is_read() {
    let f = one(r#""concurrency":[{"limit":10},{"limit":1,"key":"event.data.c","scope":"env"}],
        "throttle":{"limit":20,"period":"1m","burst":5,"key":"event.data.t"},
        "rate_limit":{"limit":100,"period":"1d","key":"event.data.r"},
        "debounce":{"period":"10s","timeout":"2m","key":"event.data.d"},
        "priority":"event.data.vip ? 120 : 0",
        "cancel_on":[{"event":"a/gone","if":"event.data.id == async.data.id","timeout":"1d12h"}],
        "timeouts":{"start":"30s","finish":"10m"},
        "singleton":{"mode":"cancel","key":"event.data.s"},
        "checkpoint":{"steps":3,"interval":"3s","max_runtime":"10s"}"#);
    let scopes: Vec<_> = f.concurrency.iter().map(|one| (one.limit, one.scope)).collect();
    assert_eq!(scopes, [(10, Scope::Function), (1, Scope::Environment)]);
    let throttle = f.throttle.expect("throttle");
    assert_eq!((throttle.limit, throttle.burst), (20, Some(5)));
    assert_eq!(f.rate_limit.expect("rate limit").period, Duration::from_hours(24));
    assert_eq!(f.debounce.expect("debounce").timeout, Some(Duration::from_mins(2)));
    assert_eq!(f.priority.expect("priority").as_str(), "event.data.vip ? 120 : 0");
    assert_eq!(f.cancel_on[0].timeout, Some(Duration::from_hours(36)));
    assert_eq!(f.timeouts.start, Some(Duration::from_secs(30)));
    assert_eq!(f.singleton.expect("singleton").mode, SingletonMode::Cancel);
    let batched = Checkpointing::Batched {
        steps: NonZeroU32::new(3).expect("three"),
        interval: Some(Duration::from_secs(3)),
        max_runtime: Some(Duration::from_secs(10)),
    };
    assert_eq!(f.checkpoint, batched);
    let f = one(
        r#""idempotency":"event.data.id","batch":{"max_size":50,"timeout":"5s","key":"event.data.k","if":"event.data.b"}"#,
    );
    let batch = f.batch.expect("batch");
    assert_eq!((batch.max_size, batch.timeout), (50, Duration::from_secs(5)));
    assert_eq!(f.idempotency.expect("idempotency").as_str(), "event.data.id");
}

#[test]
fn steps_and_events_are_read_where_they_are_told() {
    let f = one(r#""steps":[{"id":"charge-card","kind":"run","alias":"charge"},
            {"id":"mail","kind":"send-event","keyed":true}],
        "input":[{"event":"a/b","fields":["order_id","total"],"schema":{"type":"object"}},
            {"event":"c/d"}]"#);
    let [charge, mail] = f.steps.as_slice() else { panic!("two: {f:?}") };
    assert_eq!((charge.id.as_str(), charge.alias.as_deref()), ("charge-card", Some("charge")));
    assert_eq!((mail.kind.as_str(), mail.keyed, &mail.alias), ("send-event", true, &None));
    assert_eq!(f.input[0].fields, ["order_id", "total"]);
    assert_eq!(f.input[0].schema.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!((f.input[1].event.as_str(), f.input[1].fields.len()), ("c/d", 0));
    assert_eq!(f.input[1].schema, None);
    let f = one("");
    assert_eq!((f.steps, f.input), (Vec::new(), Vec::new()));
}

#[test]
fn a_schema_has_a_largest_size() {
    let of = |bytes: usize| {
        let text = "x".repeat(bytes - r#"{"title":""}"#.len());
        format!(r#""input":[{{"event":"a/b","schema":{{"title":"{text}"}}}}]"#)
    };
    assert!(one(&of(crate::function::LARGEST_SCHEMA)).input[0].schema.is_some());
    let manifest = with(&of(crate::function::LARGEST_SCHEMA + 1));
    let refused = Manifest::parse(&manifest).map(|manifest| format!("{:?}", manifest.refused));
    let said = format!("{refused:?}");
    assert!(said.contains("input[0].schema: it has 16385 bytes"), "{said}");
}

#[test]
fn checkpointing_has_presets() {
    let all = |steps| Checkpointing::Batched { steps, interval: None, max_runtime: None };
    for (members, expected) in [
        ("", Checkpointing::EveryStep),
        (r#""checkpoint":"every-step""#, Checkpointing::EveryStep),
        (r#""checkpoint":"off""#, Checkpointing::Off),
        (r#""checkpoint":{}"#, all(Checkpointing::STEPS)),
    ] {
        assert_eq!(one(members).checkpoint, expected, "{members}");
    }
}

#[test]
fn every_fault_names_its_function_and_member() {
    for (members, says) in [
        (r#""steps":[{"kind":"run"}]"#, "steps[0].id: it is missing"),
        (r#""steps":[{"id":"a","kind":"run","keyed":1}]"#, "steps[0].keyed: it is neither"),
        (r#""input":[{"event":"a/b","fields":[1]}]"#, "input[0].fields: it is no array of texts"),
        (r#""input":[{"event":"a/b","schema":[]}]"#, "input[0].schema: it is no object"),
        (r#""retries":0"#, "retries: 0 is not 1 to 20; with 0 one lost connection"),
        (r#""retries":21"#, "retries: 21"),
        (r#""retries":null"#, "retries: null is not 1 to 20"),
        (r#""name":" ""#, "name: it is empty"),
        (r#""name":7"#, "name: a number instead of a text"),
        (r#""surprise":1"#, "surprise: this worker knows no such member"),
        (r#""triggers":[]"#, "triggers: 0 entries are not 1 to 10"),
        (r#""triggers":{}"#, "triggers: an object instead of an array"),
        (r#""triggers":[7]"#, "triggers[0]: a number instead of an object"),
        (r#""triggers":[{}]"#, "triggers[0]: it is neither an event nor a cron"),
        (
            r#""triggers":[{"event":"x","cron":"* * * * *"}]"#,
            "triggers[0]: it is event and cron at once",
        ),
        (r#""triggers":[{"event":"x/*/y"}]"#, "triggers[0].event: event name"),
        (
            r#""triggers":[{"event":"x","expression":"total > 1"}]"#,
            "triggers[0].expression: expression",
        ),
        (r#""triggers":[{"event":"x","expression":null}]"#, "null, which should be left out"),
        (r#""triggers":[{"event":"x","jitter":"1s"}]"#, "triggers[0].jitter: this worker knows no"),
        (r#""triggers":[{"cron":"@daily"}]"#, "triggers[0].cron: cron expression"),
        (r#""triggers":[{"cron":"0 9 * * *","expression":"true"}]"#, "triggers[0].expression: "),
        (
            r#""triggers":[{"cron":"0 9 * * *","jitter":"6m"}]"#,
            "triggers[0].jitter: 6m is not between 1s and 5m",
        ),
        (
            r#""triggers":[{"cron":"0 9 * * *"},{"cron":"0 9 * * *","jitter":"1m"}]"#,
            "triggers[1]: it repeats",
        ),
        (r#""triggers":[{"event":"e/f"},{"event":"e/f"}]"#, "triggers[1]: it repeats"),
        (
            r#""triggers":[{"failure_of":"f"}]"#,
            "triggers[0]: a function cannot handle its own failure",
        ),
        (r#""triggers":[{"failure_of":"a b"}]"#, "triggers[0].failure_of: function id"),
        (r#""concurrency":[]"#, "concurrency: 0 entries"),
        (r#""concurrency":[{"limit":1},{"limit":2},{"limit":3}]"#, "concurrency: 3 entries"),
        (r#""concurrency":[{"limit":0}]"#, "concurrency[0].limit: 0 is not a whole number from 1"),
        (r#""concurrency":[{}]"#, "concurrency[0].limit: it is missing"),
        (r#""concurrency":[{"limit":1,"scope":"env"}]"#, "concurrency[0].key: it is missing"),
        (r#""concurrency":[{"limit":1,"scope":"app"}]"#, "concurrency[0].scope: \"app\" is not"),
        (r#""concurrency":[{"limit":1,"key":""}]"#, "concurrency[0].key: expression \"\" is empty"),
        (r#""throttle":{"limit":1}"#, "throttle.period: it is missing"),
        (
            r#""throttle":{"limit":1,"period":"1 hour"}"#,
            "throttle.period: \"1 hour\" is not a duration",
        ),
        (r#""throttle":{"limit":1.5,"period":"1h"}"#, "throttle.limit: 1.5 is not a whole"),
        (r#""throttle":{"limit":1,"period":"1h","burst":-1}"#, "throttle.burst: -1"),
        (
            r#""rate_limit":{"limit":1,"period":"25h"}"#,
            "rate_limit.period: 25h is not between 1s and 24h",
        ),
        (r#""debounce":{"period":"500ms"}"#, "debounce.period: 500ms is not between 1s and 168h"),
        (r#""debounce":{"period":"8d"}"#, "debounce.period: 8d"),
        (r#""batch":{"max_size":1,"timeout":"5s"}"#, "batch.max_size: 1 is not 2 to 100"),
        (r#""batch":{"max_size":101,"timeout":"5s"}"#, "batch.max_size: 101"),
        (r#""batch":{"max_size":2,"timeout":"1ms"}"#, "batch.timeout: 1ms"),
        (
            r#""batch":{"max_size":2,"timeout":"5s"},"debounce":{"period":"1s"}"#,
            "batch: it cannot stand beside debounce",
        ),
        (
            r#""triggers":[{"event":"a/b"},{"cron":"0 9 * * *"}],"debounce":{"period":"1s"}"#,
            "debounce: it cannot stand beside a cron",
        ),
        (
            r#""batch":{"max_size":2,"timeout":"5s"},"priority":"1""#,
            "batch: it cannot stand beside priority",
        ),
        (
            r#""batch":{"max_size":2,"timeout":"5s"},"singleton":{"mode":"skip"}"#,
            "beside singleton",
        ),
        (
            r#""batch":{"max_size":2,"timeout":"5s"},"cancel_on":[{"event":"a"}]"#,
            "beside cancel_on",
        ),
        (
            r#""idempotency":"event.id","rate_limit":{"limit":1,"period":"1h"}"#,
            "idempotency: it cannot stand beside rate_limit",
        ),
        (r#""priority":"vip""#, "priority: expression \"vip\" names"),
        (r#""cancel_on":[{"event":"a","if":"has(async.data.x)"}]"#, "cancel_on[0].if: expression"),
        (r#""cancel_on":[{"if":"true"}]"#, "cancel_on[0].event: it is missing"),
        (
            r#""cancel_on":[{"event":"a"},{"event":"a"},{"event":"a"},{"event":"a"},{"event":"a"},{"event":"a"}]"#,
            "cancel_on: 6 entries",
        ),
        (r#""timeouts":{}"#, "timeouts: it is empty"),
        (r#""timeouts":{"start":"0s"}"#, "timeouts.start: 0s is not between"),
        (r#""singleton":{}"#, "singleton.mode: it is missing"),
        (r#""singleton":{"mode":"queue"}"#, "singleton.mode: \"queue\" is not"),
        (r#""checkpoint":"always""#, "checkpoint: \"always\" is not"),
        (r#""checkpoint":7"#, "checkpoint: a number instead of an object"),
        (r#""checkpoint":{"steps":0}"#, "checkpoint.steps: 0 is not 1 to 1000"),
        (r#""checkpoint":{"every":1}"#, "checkpoint.every: this worker knows no"),
    ] {
        let error = Manifest::parse(&with(members)).expect_err(members);
        assert!(error.to_string().contains(says), "{members}: {says} is missing in: {error}");
        assert!(
            error.faults().iter().all(|fault| fault.starts_with("function \"f\": ")),
            "{error}"
        );
    }
}

#[test]
fn all_faults_of_a_function_are_told_at_once() {
    let bad = r#""retries":0,"throttle":{"limit":0},"singleton":{"mode":"x","key":"1 +"},"oops":1"#;
    let error = Manifest::parse(&with(bad)).expect_err("full of faults");
    assert_eq!(error.faults().len(), 6, "{error}");
}

#[test]
fn a_bad_function_does_not_stop_the_others() {
    let manifest = Manifest::parse(
        r#"{"functions":[
            {"id":"a","retries":0,"triggers":[{"event":"x/y"}]},
            {"id":"b","triggers":[{"event":"x/y"}]},
            {"id":"g","triggers":[{"event":"e/f"}]},
            {"id":"g","triggers":[{"event":"e/g"}]},
            {"name":"no id","triggers":[{"event":"x/y"}]},
            "nonsense"]}"#,
    )
    .expect("one is fine");
    let good: Vec<_> = manifest.functions.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(good, ["b"]);
    let refused: Vec<_> = manifest.refused.iter().map(|one| (one.id(), one.to_string())).collect();
    for (id, says) in [
        ("a", "function \"a\": retries: 0"),
        ("#4", "function \"#4\": id: it is missing"),
        ("#5", "function #5: it is not an object"),
        ("g", "function \"g\": id: it is declared more than once"),
    ] {
        assert!(refused.iter().any(|(one, why)| *one == id && why.contains(says)), "{refused:?}");
    }
    assert_eq!(refused.len(), 4);
}

#[test]
fn what_is_not_a_manifest_says_so() {
    for bad in ["", "[]", "{}", r#"{"functions":[]}"#, r#"{"functions":7}"#] {
        assert!(Manifest::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_function_says_which_code_its_runs_go_on_with_and_may_ask_for_a_host() {
    let plain = one("");
    assert_eq!((plain.mode, plain.role), (Mode::LatestCompatible, None));
    let asked = one(r#""mode":"pinned","role":"host""#);
    assert_eq!((asked.mode, asked.role), (Mode::Pinned, Some(Role::Host)));
    assert_eq!(one(r#""mode":"latest""#).mode, Mode::Latest);
}
