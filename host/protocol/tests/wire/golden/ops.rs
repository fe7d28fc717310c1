//! Every op: by itself, and in a race.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use protocol::id::StepId;
use protocol::op::{
    AiGateway, Gateway, InvokeFunction, Op, OpCode, Payload, Provider, Timeout, WaitForEvent,
    WaitForSignal, Wake,
};
use protocol::step::StepName;

use super::{assert_all_shown, began, error, json, step, timing};

fn headers() -> BTreeMap<String, String> {
    [("content-type", "application/json"), ("x-request", "42")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn timeout() -> Timeout {
    Timeout::new(Duration::from_hours(1)).expect("within what the server accepts")
}

fn wait_for_event(condition: Option<&str>) -> OpCode {
    OpCode::WaitForEvent(WaitForEvent {
        event: "shop/order.paid".to_owned(),
        timeout: timeout(),
        condition: condition.map(str::to_owned),
    })
}

fn wait_for_signal(replace: bool) -> OpCode {
    let signal = "approve/42".to_owned();
    OpCode::WaitForSignal(WaitForSignal { signal, timeout: timeout(), replace })
}

fn invoke(timeout: Option<Timeout>) -> OpCode {
    let payload = Payload { data: json(r#"{"order":42}"#) };
    OpCode::InvokeFunction(InvokeFunction { slug: "billing-charge".to_owned(), payload, timeout })
}

fn gateway(method: &str, body: &str) -> OpCode {
    OpCode::Gateway(Gateway {
        url: "https://shop.example/orders?id=42".to_owned(),
        method: method.to_owned(),
        headers: headers(),
        body: body.to_owned(),
    })
}

fn ai_gateway(format: Provider) -> OpCode {
    OpCode::AiGateway(AiGateway {
        url: "https://models.example/v1".to_owned(),
        headers: headers(),
        auth_key: "a key".to_owned(),
        format,
        body: json(r#"{"model":"m","messages":[{"role":"user","content":"ping"}]}"#),
    })
}

/// Every op under the name of its file.
fn codes() -> Vec<(&'static str, OpCode)> {
    vec![
        ("step-run", OpCode::StepRun { data: json(r#"{"n":[1,null]}"#), timing: Some(timing()) }),
        ("step-run-told-again", OpCode::StepRun { data: json("null"), timing: None }),
        ("step-error", OpCode::StepError { error: error(), timing: Some(timing()) }),
        ("step-failed", OpCode::StepFailed { error: error(), timing: Some(timing()) }),
        ("step-failed-told-again", OpCode::StepFailed { error: error(), timing: None }),
        ("step-planned", OpCode::StepPlanned),
        ("sleep-for-seconds", OpCode::Sleep(Wake::After(Duration::from_secs(90)))),
        ("sleep-for-milliseconds", OpCode::Sleep(Wake::After(Duration::from_millis(1_500)))),
        ("sleep-until", OpCode::Sleep(Wake::At(began()))),
        ("wait-for-event", wait_for_event(None)),
        ("wait-for-event-if", wait_for_event(Some("event.data.order == async.data.order"))),
        ("wait-for-signal", wait_for_signal(false)),
        ("wait-for-signal-replace", wait_for_signal(true)),
        ("invoke-function", invoke(None)),
        ("invoke-function-timeout", invoke(Some(timeout()))),
        ("gateway-get", gateway("GET", "")),
        ("gateway-post", gateway("POST", r#"{"paid":true}"#)),
        ("ai-gateway-openai-chat", ai_gateway(Provider::OpenaiChat)),
        ("ai-gateway-anthropic", ai_gateway(Provider::Anthropic)),
        ("ai-gateway-gemini", ai_gateway(Provider::Gemini)),
        ("ai-gateway-bedrock", ai_gateway(Provider::Bedrock)),
    ]
}

/// The op that is not a step has no place in a race.
fn discovery_request() -> Op {
    Op::discovery_request("01M81GXW71CEV7JQT6T4T8NAKZ")
}

/// What only stands beside another op.
fn nothing() -> Op {
    Op { code: OpCode::Nothing, ..discovery_request() }
}

/// The third step that its author called `charge`.
fn repeated() -> Op {
    let step = StepName { id: StepId::hash("charge:2"), name: "charge".to_owned(), index: 2 };
    Op { step, code: OpCode::StepPlanned, race: false }
}

pub(super) fn files() -> Vec<(PathBuf, String)> {
    let single = [
        ("discovery-request", discovery_request()),
        ("none", nothing()),
        ("step-planned-repeat", repeated()),
    ]
    .map(|(name, op)| (name.to_owned(), op));
    let steps = codes().into_iter().flat_map(|(name, code)| {
        [(false, ""), (true, "-in-race")].map(|(race, suffix)| {
            let op = Op { step: step("charge[anna]"), code: code.clone(), race };
            (format!("{name}{suffix}"), op)
        })
    });
    single
        .into_iter()
        .chain(steps)
        .map(|(name, op)| {
            let json = serde_json::to_string(&op).expect("JSON");
            (format!("op/{name}.json").into(), format!("{json}\n"))
        })
        .collect()
}

#[test]
fn every_op_is_shown() {
    let mut codes: Vec<_> = codes().into_iter().map(|(_, code)| code).collect();
    codes.extend([discovery_request().code, nothing().code]);
    assert_all_shown(&codes);
    assert_all_shown(codes.iter().filter_map(|code| match code {
        OpCode::Sleep(wake) => Some(wake),
        _ => None,
    }));
    assert_all_shown(codes.iter().filter_map(|code| match code {
        OpCode::AiGateway(question) => Some(&question.format),
        _ => None,
    }));
}
