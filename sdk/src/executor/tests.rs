//! The conversation with the host, word by word.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use crate::context::Ctx;
use crate::declare::{Declaration, Function, Options};
use crate::error::{Error, Result};
use crate::executor::run;
use crate::replay::{Answer, Found, Host, Memo};

/// Answers from a list and notes what was said to it.
#[derive(Default)]
struct Script {
    answers: RefCell<VecDeque<Answer>>,
    heard: RefCell<Vec<String>>,
}

impl Script {
    fn hear(&self, line: String) {
        self.heard.borrow_mut().push(line);
    }

    fn answer(&self) -> Answer {
        self.answers.borrow_mut().pop_front().expect("the script goes on")
    }
}

impl Host for Script {
    fn next(&self, found: &[Found<'_>], dropped: &[u32]) -> Answer {
        let found: Vec<_> = found.iter().map(|step| step.id).collect();
        self.hear(format!("next {found:?} {dropped:?}"));
        self.answer()
    }

    fn next_one(&self, found: Found<'_>) -> Answer {
        self.hear(format!("one {} {} {}", found.id, found.kind, found.options));
        self.answer()
    }

    fn finish(&self, outcome: Result<String>) {
        self.hear(format!("finish {:?}", outcome.map_err(|error| error.to_string())));
    }

    fn race(&self) {
        self.hear("race".to_owned());
    }

    fn misfit(&self, step: u32, _why: &str) {
        self.hear(format!("misfit {step}"));
    }
}

fn value(step: u32, json: &str) -> Answer {
    Answer::Resolved { step, value: Memo::Ok(json.to_owned()) }
}

fn execute(step: u32) -> Answer {
    Answer::Execute { step, input: None }
}

/// Runs a function against a script; returns its end and what the host heard.
fn play<F: Function>(answers: impl IntoIterator<Item = Answer>) -> (Result<String>, Vec<String>) {
    let host = Rc::new(Script::default());
    host.answers.borrow_mut().extend(answers);
    let call = r#"{"run_id":"r","attempt":1,"max_attempts":4,"event":{"name":"a/b.c"},"extra":0}"#;
    let end = run::<F>(Rc::clone(&host) as Rc<dyn Host>, call.to_owned(), None);
    assert!(host.answers.borrow().is_empty(), "the script was played to its end");
    (end, host.heard.take())
}

/// A function without a name, from the code of its body.
macro_rules! function {
    ($name:ident, $ctx:ident => $body:expr) => {
        struct $name;

        impl Function for $name {
            type Input = Value;
            type Output = Value;

            const DECLARATION: Declaration = Declaration {
                id: "f",
                name: "f",
                retries: None,
                triggers: &[],
                options: Options::NONE,
                steps: &[],
                input: &[],
            };

            async fn call($ctx: Ctx, _input: Value) -> Result<Value> {
                let end = $body;
                Ok(serde_json::to_value(end).expect("a test's value is JSON"))
            }
        }
    };
}

#[test]
fn sequential_code_says_one_thing_at_a_time() {
    function!(Sequence, ctx => {
        let a: u32 = ctx.step("a", async |_io| Ok(1)).await?;
        ctx.sleep("s", std::time::Duration::from_secs(2)).await?;
        a + ctx.step("b", async |_io| Ok(2)).key("k").await?
    });
    let (end, heard) = play::<Sequence>([value(0, "10"), value(1, "null"), value(2, "20")]);
    assert_eq!(end.expect("it ends"), "30");
    assert_eq!(heard, ["one a run ", r#"one s sleep {"milliseconds":2000}"#, "one b[k] run "]);
}

#[test]
fn siblings_are_found_together_and_resolved_one_by_one() {
    function!(Pair, ctx => {
        let first = async {
            ctx.step::<u32, _>("a", async |_io| Ok(1)).await?;
            ctx.step::<u32, _>("c", async |_io| Ok(3)).await
        };
        let (c, b) = futures::join!(first, ctx.step::<u32, _>("b", async |_io| Ok(2)));
        c? + b?
    });
    let (end, heard) = play::<Pair>([value(1, "2"), value(0, "1"), value(2, "3")]);
    assert_eq!(end.expect("it ends"), "5");
    assert_eq!(heard, [r#"next ["a", "b"] []"#, "next [] []", "one c run "]);
}

#[test]
fn a_loser_is_reported_as_dropped() {
    function!(Race, ctx => {
        let a = ctx.step::<u32, _>("a", async |_io| Ok(1));
        let b = ctx.step::<u32, _>("b", async |_io| Ok(2));
        drop(ctx.race(a, b).await);
        ctx.step::<u32, _>("c", async |_io| Ok(3)).await?
    });
    let (_, heard) = play::<Race>([value(1, "2"), value(2, "3")]);
    assert_eq!(heard, ["race", r#"next ["a", "b"] []"#, r#"next ["c"] [0]"#]);
}

#[test]
fn all_losers_are_dropped_and_an_empty_race_is_none() {
    function!(Many, ctx => {
        let none = ctx.race_all(Vec::<std::future::Ready<()>>::new()).await;
        let all = (0..3).map(|n| {
            let ctx = ctx.clone();
            async move { ctx.step::<u32, _>("n", async |_io| Ok(0)).key(n).await }
        });
        let (place, end) = ctx.race_all(all).await.expect("there were three");
        (none, place, end?, ctx.step::<u32, _>("c", async |_io| Ok(3)).await?)
    });
    let (end, heard) = play::<Many>([value(1, "5"), value(3, "3")]);
    assert_eq!(end.expect("it ends"), "[null,1,5,3]");
    assert_eq!(heard, ["race", r#"next ["n[0]", "n[1]", "n[2]"] []"#, r#"next ["c"] [0, 2]"#]);
}

/// What the host hears of a step of each kind.
#[test]
fn options_of_every_kind() {
    use crate::event::Outgoing;
    use crate::step::Inference;
    use serde_json::json;
    use std::time::Duration;

    function!(Kinds, ctx => {
        let hour = Duration::from_hours(1);
        let came = ctx.wait_for_event::<Value>("event", "a/b.c").same("data.x")
            .where_eq("data.y", "z").timeout(hour).await?.expect("it came");
        let over = ctx.wait_for_event::<Value>("over", "a/b.c").matching("async.data.n > 1 || true")
            .await?;
        let signal: Option<Value> = ctx.wait_for_signal("signal", "s/1").timeout(hour).replace()
            .await?;
        let sent = ctx.send_signal("tell", "s/1", &json!({"ok": true})).await?;
        let invoked: u32 = ctx.invoke_by_id("call", "charge", &json!({"c": 1})).app("billing")
            .timeout(hour).await?;
        let fetched = ctx.fetch("get", "http://a/").post().header("X-A", "1").json(&[1]).await?;
        let said: Value = ctx.infer("ask", Inference::openai(&json!({"model": "m"})).auth_key("k"))
            .await?;
        let ids = ctx.send_all("send", [Outgoing::named("d/e.f", &json!({}))]).await?;
        json!([
            came.data, over.is_none(), signal, sent, invoked, fetched.status,
            fetched.header("K"), fetched.text()?, said, ids,
        ])
    });
    let (end, heard) = play::<Kinds>([
        value(0, r#"{"name":"a/b.c","data":{"y":"z"},"id":"e","ts":1,"user":{}}"#),
        value(1, "null"),
        value(2, r#"{"signal":"s/1","data":null}"#),
        value(3, "null"),
        value(4, "7"),
        value(5, r#"{"url":"http://a/","status_code":404,"headers":{"K":"v1,v2"},"body":"no"}"#),
        value(6, r#"{"choices":[]}"#),
        value(7, r#"{"ids":["i"]}"#),
    ]);
    assert_eq!(
        end.expect("it ends"),
        r#"[{"y":"z"},true,null,null,7,404,"v1,v2","no",{"choices":[]},["i"]]"#
    );
    assert_eq!(
        heard,
        [
            concat!(
                r#"one event wait-for-event {"event":"a/b.c","milliseconds":3600000,"#,
                r#""if":"event.data.x == async.data.x && async.data.y == \"z\""}"#
            ),
            concat!(
                r#"one over wait-for-event {"event":"a/b.c","milliseconds":31622400000,"#,
                r#""if":"async.data.n > 1 || true"}"#
            ),
            r#"one signal wait-for-signal {"signal":"s/1","milliseconds":3600000,"replace":true}"#,
            r#"one tell send-signal {"signal":"s/1","data":{"ok":true}}"#,
            concat!(
                r#"one call invoke {"function":"charge","app":"billing","data":{"c":1},"#,
                r#""milliseconds":3600000}"#
            ),
            concat!(
                r#"one get fetch {"url":"http://a/","method":"POST","headers":"#,
                r#"{"content-type":"application/json","x-a":"1"},"body":"[1]"}"#
            ),
            concat!(
                r#"one ask infer {"url":"https://api.openai.com/v1/chat/completions","#,
                r#""format":"openai-chat","auth_key":"k","body":{"model":"m"}}"#
            ),
            r#"one send send-event {"events":[{"name":"d/e.f","data":{}}]}"#,
        ]
    );
}

/// A step whose options break a rule ends by itself; the host never hears of it.
#[test]
fn options_that_break_a_rule_end_the_step() {
    use crate::step::Inference;
    use std::time::Duration;

    function!(Broken, ctx => {
        let days = Duration::from_hours(24 * 367);
        let mut problems = Vec::new();
        let mut note = |error: Option<Error>| {
            let error = error.expect("it breaks a rule");
            assert_eq!(error.name(), "InvalidOptions");
            problems.push(error.message().to_owned());
        };
        note(ctx.sleep("a", days).await.err());
        note(ctx.wait_for_event::<Value>("b", "a/b.c").timeout(days).await.err());
        note(ctx.wait_for_event::<Value>("c", "a/b.c").same("order").await.err());
        note(ctx.wait_for_event::<Value>("d", "a/b.c").where_eq("data.x", &[1]).await.err());
        note(ctx.wait_for_signal::<Value>("e", "").await.err());
        note(ctx.invoke_by_id::<Value>("f", "g", &7).await.err());
        note(ctx.infer::<Value>("h", Inference::gemini("m", &"text")).await.err());
        problems
    });
    let (end, heard) = play::<Broken>([]);
    let problems: Vec<String> = serde_json::from_str(&end.expect("it ends")).expect("a list");
    assert_eq!(problems.len(), 7, "{problems:?}");
    assert!(problems[0].contains("367 days"), "{problems:?}");
    assert_eq!(heard, Vec::<String>::new());
}

#[test]
fn unordered_futures_are_woken() {
    function!(Unordered, ctx => {
        let mut steps: FuturesUnordered<_> =
            (0..3).map(|n| ctx.step::<u32, _>("n", async |_io| Ok(0)).key(n)).collect();
        let mut order = Vec::new();
        while let Some(n) = steps.next().await {
            order.push(n?);
        }
        order
    });
    let (end, heard) = play::<Unordered>([value(2, "2"), value(0, "0"), value(1, "1")]);
    assert_eq!(end.expect("it ends"), "[2,0,1]");
    assert_eq!(heard.len(), 3);
}

#[test]
fn the_call_goes_on_when_finish_returns() {
    function!(GoesOn, ctx => {
        let key: String = ctx.step("a", async |io| Ok(io.idempotency_key())).await?;
        let again: Result<String> = ctx.step("a", async |io| {
            Err(Error::stop(io.idempotency_key()))
        }).await;
        (key, again.expect_err("it fails").to_string())
    });
    let error = Answer::Resolved { step: 1, value: Memo::Err(r#"{"message":"no"}"#.to_owned()) };
    let (end, heard) = play::<GoesOn>([execute(0), value(0, r#""x""#), execute(1), error]);
    assert_eq!(end.expect("it ends"), r#"["x","no"]"#);
    let finished = [r#"finish Ok("\"r:a\"")"#, r#"finish Err("r:a:1")"#];
    assert_eq!(
        heard,
        ["one a run ", finished[0], "next [] []", "one a run ", finished[1], "next [] []"]
    );
}

#[test]
fn no_two_steps_share_an_idempotency_key() {
    function!(Written, ctx => {
        let mut keys = Vec::new();
        let key = async |io: crate::Io| Ok(io.idempotency_key());
        keys.push(ctx.step::<String, _>("a:1", key).await?);
        for _ in 0..2 {
            keys.push(ctx.step::<String, _>("a", key).await?);
        }
        keys
    });
    let ends = (0..3).flat_map(|step| [execute(step), value(step, "\"x\"")]);
    let (_, heard) = play::<Written>(ends);
    let keys: Vec<_> = heard.iter().filter(|line| line.starts_with("finish")).collect();
    // As the server numbers them: the second `a` steps over the number that is taken.
    assert_eq!(
        keys,
        [r#"finish Ok("\"r:a:1\"")"#, r#"finish Ok("\"r:a\"")"#, r#"finish Ok("\"r:a:2\"")"#,]
    );
}

#[test]
fn a_memo_that_does_not_fit_is_final() {
    function!(Misfit, ctx => ctx.step::<u32, _>("a", async |_io| Ok(1)).await?);
    let (end, _) = play::<Misfit>([value(0, r#""text""#)]);
    let error = end.expect_err("text is no number");
    assert_eq!(error.name(), "MemoDecodeError");
    assert_eq!(error.policy(), crate::error::Retry::Never);
}

#[test]
#[should_panic(expected = "step `inner` was started inside the body of step `outer`")]
fn a_step_inside_a_body_is_refused() {
    function!(Nested, ctx => {
        ctx.step::<u32, _>("outer", async |_io| {
            ctx.step("inner", async |_io| Ok(1)).await
        }).await?
    });
    let _ = play::<Nested>([execute(0)]);
}

#[test]
#[should_panic(expected = "waits for something that cannot happen inside a body")]
fn a_body_that_waits_for_nothing_is_refused() {
    function!(Stuck, ctx => {
        ctx.step::<u32, _>("a", async |_io| std::future::pending().await).await?
    });
    let _ = play::<Stuck>([execute(0)]);
}

#[test]
#[should_panic(expected = "step `a` is due and nothing polls it")]
fn a_step_that_nobody_polls_is_named() {
    function!(Neglected, ctx => {
        let mut kept = ctx.step::<u32, _>("a", async |_io| Ok(1));
        let _ = futures::poll!(&mut kept);
        ctx.step::<u32, _>("b", async |_io| Ok(2)).await?
    });
    let _ = play::<Neglected>([execute(0)]);
}
