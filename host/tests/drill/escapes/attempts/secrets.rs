//! Attempts to get hold of a secret that a server sends back.

use serde_json::{Value, json};

use crate::escapes::attempt::Attempt;
use crate::escapes::attempt::Refusal::{self, Fails, Told};
use crate::escapes::scene::Scene;

fn tries(what: &'static str, tries: Value, refusal: Refusal) -> Attempt {
    Attempt::new(what, "testing/secrets.tried", tries, refusal).unless(|scene| {
        let elsewhere = scene.other.heard();
        let got = elsewhere.first().map(|request| format!("another site got {request:?}"));
        got.or_else(|| scene.leaked())
    })
}

pub(super) fn attempts(scene: &Scene) -> Vec<Attempt> {
    let with =
        |secret: &str, to: String, how: &str| json!([{ "secret": secret, "to": to, "how": how }]);
    let back = |how: &str| with("key", scene.open.url("/key"), how);
    let revealed = "the step's result holds";
    vec![
        tries("printing a secret", back("print"), Told(&["printed"]))
            .unless(|scene| scene.leaked().or_else(|| not_logged(scene))),
        tries("returning a secret", back("return"), Fails(revealed)),
        tries("returning its placeholder", back("return-placeholder"), Fails(revealed)),
        tries("panicking with a secret", back("panic"), Fails("it is [secret key]")),
        tries("failing with a secret", back("fail"), Fails("it is [secret key]")),
        tries(
            "sending a secret elsewhere",
            with("key", scene.other.url("/key"), "return"),
            Fails("denied the request to"),
        ),
        tries(
            "a secret that was not granted",
            with("unused", scene.open.url("/key"), "return"),
            Fails("is not granted"),
        ),
    ]
}

/// Whether what was printed is nowhere, so that nothing is known of how it would be shown.
fn not_logged(scene: &Scene) -> Option<String> {
    let logged = scene.log().contains("it is [secret key]");
    (!logged).then(|| "what it printed is not in the log".to_owned())
}
