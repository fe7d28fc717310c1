//! Every checkpoint: of a dispatch of which the server said everything, and of one of which it said the least.

use std::path::PathBuf;
use std::time::Duration;

use protocol::call::Dispatch;
use protocol::checkpoint::Checkpoint;
use protocol::op::{Op, OpCode};

use super::{began, json, step, timing};

const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

fn text(dispatch: &Dispatch, steps: &[Op]) -> String {
    let now = began() + Duration::from_millis(23);
    let checkpoint = Checkpoint::new(RUN.parse().expect("an id"), dispatch, began(), now, steps);
    let body = serde_json::to_string(&checkpoint).expect("JSON");
    format!("POST /{}\n\n{body}\n", checkpoint.path())
}

pub(super) fn files() -> Vec<(PathBuf, String)> {
    let ran = |name, data| {
        let code = OpCode::StepRun { data: json(data), timing: Some(timing()) };
        Op { step: step(name), code, race: false }
    };
    let steps = [ran("weigh", "3"), ran("pack", r#"{"parcel":7}"#)];
    let least = Dispatch {
        fn_id: Some("5e7a0f4c-95a5-54ad-8ea8-6e9c7a7c9d0f".to_owned()),
        qi_id: Some("MDFNODFHWFc3MQ==".to_owned()),
        request_id: None,
        generation_id: None,
    };
    let most = Dispatch {
        request_id: Some("01M81GXW71CEV7JQT6T4T8NAKR".to_owned()),
        generation_id: Some(2),
        ..least.clone()
    };
    [
        ("one-step", text(&most, &steps[..1])),
        ("several-steps", text(&most, &steps)),
        ("without-request-and-generation", text(&least, &steps[..1])),
    ]
    .map(|(name, text)| (format!("checkpoint/{name}.http").into(), text))
    .into()
}
