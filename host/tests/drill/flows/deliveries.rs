//! Webhooks of the drill: posted to the gateway of the cluster worker, signed as their senders sign.

use gateway::testing::signed;
use serde_json::Value;

use super::scene::Scene;
use super::stage::Stage;

/// Puts the secrets of these providers on the stage.
pub(super) fn secrets(stage: &mut Stage, providers: &[&str]) {
    for provider in providers {
        let signed = signed(provider, b"{}", 0);
        stage.secret(signed.name, &signed.secret);
    }
}

/// Posts a delivery, with these headers beside those of its proof. It has to be accepted.
pub(super) async fn deliver(
    scene: &Scene,
    provider: &str,
    body: &Value,
    headers: &[(&'static str, &str)],
) {
    let now = jiff::Timestamp::now().as_second();
    let signed = signed(provider, body.to_string().as_bytes(), now);
    let url = format!("http://{}/webhooks/{provider}", scene.gateway());
    let mut request = reqwest::Client::new().post(url).body(signed.body);
    for (name, value) in &signed.headers {
        request = request.header(*name, value);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, said) = (answer.status(), answer.text().await.unwrap_or_default());
    assert!(status.is_success(), "{provider}: {status} {said}");
}
