//! Attempts with requests.

use serde_json::{Value, json};

use crate::escapes::attempt::Attempt;
use crate::escapes::attempt::Refusal::Told;
use crate::escapes::scene::Scene;

fn tries(what: &'static str, tries: Value, told: &'static [&'static str]) -> Attempt {
    Attempt::new(what, "testing/requests.tried", tries, Told(told)).unless(reached)
}

/// Requests that the site got which nobody may reach.
fn reached(scene: &Scene) -> Option<String> {
    let heard = scene.closed.heard();
    heard.first().map(|request| format!("the site got {request:?}"))
}

pub(super) fn attempts(scene: &Scene) -> Vec<Attempt> {
    let port = scene.closed.port();
    let here = |hosts: &[&str]| -> Value {
        hosts.iter().map(|host| format!("http://{host}:{port}/")).collect()
    };
    let metadata = "/latest/meta-data/";
    let at = |hosts: &[&str]| -> Value {
        hosts.iter().map(|host| format!("http://{host}{metadata}")).collect()
    };
    let to = |url: String| json!([scene.open.url(&format!("/to={url}"))]);
    vec![
        tries(
            "loopback",
            here(&["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]", "[::]"]),
            &["Denied: "],
        ),
        tries(
            "loopback in an address of IPv6",
            here(&[
                "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]",
                "[64:ff9b::7f00:1]",
                "[2002:7f00:1::]",
            ]),
            &["Denied: "],
        ),
        tries("a name that means this machine", here(&["localhost", "LOCALHOST."]), &["Denied: "]),
        tries(
            "metadata, where private addresses are granted",
            at(&["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"]),
            &["Denied: "],
        ),
        tries(
            "private networks",
            at(&["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]"]),
            &["Denied: "],
        ),
        tries(
            "a user that looks like a host",
            json!([format!(
                "http://{}@127.0.0.1:{port}/",
                scene.open.url("").replace("http://", "")
            )]),
            &["Request: "],
        ),
        tries(
            "a redirect to metadata",
            to(format!("http://169.254.169.254{metadata}")),
            &["the host denied the request to http://169.254.169.254"],
        ),
        tries(
            "a redirect to loopback",
            to(format!("http://127.0.0.1:{port}/")),
            &["the host denied the request to http://127.0.0.1"],
        ),
        tries("a response that never ends", json!([scene.open.url("/drips")]), &["Timeout: "]),
        tries("a response that is too large", json!([scene.open.url("/floods")]), &["TooLarge: "]),
    ]
}
