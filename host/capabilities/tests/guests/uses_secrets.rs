//! A real guest that sends secrets to real servers, and tries to get hold of them.

mod echo;

use std::sync::Arc;

use capabilities::secrets::{Provider, Vault};
use capabilities::{Grants, http};
use runtime::capability::Used;
use runtime::placement::Capability;
use serde_json::json;

use self::echo::Echo;
use crate::captured::Captured;
use crate::site::Site;

/// The value of the secret `key`.
const VALUE: &str = "hunter2-but/longer+\"quoted\"";

/// Two servers, of which the guest may send its secret to the first one only, and the log of both.
struct World {
    site: Site,
    granted: Echo,
    other: Echo,
    log: Captured,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with_parts("['header']").await
    }

    async fn with_parts(parts: &str) -> Self {
        let (granted, other) = (Echo::start().await, Echo::start().await);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{VALUE}\n")).expect("written");
        let text = format!(
            "secrets.key.file = '{file}'\n\
             secrets.unused.file = '{file}'\n\
             [components.uses-secrets]\n\
             http = [{{ to = '{0}/**', private = true }}, {{ to = '{1}/**', private = true }}]\n\
             secrets = [{{ name = 'key', to = ['{0}'], in = {parts} }}]\n\
             [components.other]\n\
             secrets = [{{ name = 'unused', to = ['{0}', '{1}'] }}]",
            granted.origin(),
            other.origin(),
            file = file.display(),
        );
        let grants: Arc<Grants> = Arc::new(capabilities::grants::parse(&text).expect("grants"));
        let vault = Vault::open(&grants).expect("a vault");
        let site = Site::new(
            guests::USES_SECRETS,
            vec![
                Arc::new(Provider::new(Arc::clone(&vault))),
                Arc::new(http::Provider::new(grants, vault)),
            ],
        )
        .await;
        Self { site, granted, other, log: Captured::new(), _folder: folder }
    }

    /// What an attempt with what the server sent back comes to.
    async fn leaks(&self, attempt: &str) -> String {
        let data = json!({"to": self.granted.origin() + "/echo", "attempt": attempt});
        let said = self.site.run("leaks", data).await;
        // The secret did go out: the attempt is one.
        assert!(self.granted.heard().iter().any(|request| request.contains(VALUE)), "{attempt}");
        said
    }

    fn used(&self) -> Used {
        self.site.runtime.usage()["uses-secrets"].of(Capability::Secrets)
    }

    /// Neither what was answered nor what was logged has the secret in it.
    fn is_kept(&self, said: &str) {
        for text in [said, &self.log.text()] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_secret_arrives_where_it_may_go_and_nowhere_else() {
    let world = World::new().await;
    let said = world.site.run("sends", json!({"to": world.granted.origin() + "/"})).await;
    assert_eq!(said, "done 200");
    let heard = world.granted.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains(&format!("authorization: Bearer {VALUE}\r\n")), "{heard:?}");
    assert!(!heard[0].contains("sb-secret-"), "{heard:?}");
    assert_eq!(world.used(), Used { calls: 2, denied: 0 });
    world.is_kept(&said);
}

#[tokio::test]
async fn a_secret_stands_in_a_body_where_that_is_granted() {
    let world = World::with_parts("['body']").await;
    let data = json!({"to": world.granted.origin() + "/"});
    assert_eq!(world.site.run("sends-body", data.clone()).await, "done 200");
    let heard = world.granted.heard();
    assert!(heard[0].contains(VALUE) && !heard[0].contains("sb-secret-"), "{heard:?}");
    // In a header it is not.
    let said = world.site.run("sends", data).await;
    assert!(said.starts_with("send failed with "), "{said}");
    assert_eq!(world.granted.heard().len(), 1);
    assert_eq!(world.used().denied, 1);
    world.is_kept(&said);
}

#[tokio::test]
async fn a_placeholder_for_another_destination_is_not_sent() {
    let world = World::new().await;
    let said = world.site.run("sends", json!({"to": world.other.origin() + "/"})).await;
    assert!(said.starts_with("send failed with "), "{said}");
    assert_eq!(world.other.heard(), Vec::<String>::new());
    assert_eq!(world.used().denied, 1);
    let record = format!("the secret key to {} (header)", world.other.origin());
    let log = world.log.text();
    assert!(log.contains("audit") && log.contains(&record), "{log}");
    assert!(log.contains("component=\"uses-secrets\"") && log.contains("step=\"send\""), "{log}");
    world.is_kept(&said);
}

#[tokio::test]
async fn a_secret_that_is_not_granted_has_no_placeholder() {
    let world = World::new().await;
    // One that another component has, and one that nobody has.
    for name in ["unused", "no\nsuch"] {
        let data = json!({"to": world.granted.origin(), "secret": name});
        let said = world.site.run("sends", data).await;
        let expected = format!("send failed with CapabilityDenied: the secret {name:?}");
        assert!(said.starts_with(&expected), "{said}");
        assert!(said.contains("[components.uses-secrets]") && said.contains("Never"), "{said}");
    }
    assert_eq!(world.used(), Used { calls: 2, denied: 2 });
    assert_eq!(world.granted.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_placeholder_of_another_call_is_not_sent() {
    let world = World::new().await;
    assert_eq!(world.leaks("log-placeholder").await, "done \"logged\"");
    let log = world.log.text();
    let at = log.find("sb-secret-").expect("a placeholder is no secret");
    let data = json!({"to": world.granted.origin(), "text": &log[at..at + 42]});
    let said = world.site.run("sends-text", data).await;
    assert!(said.starts_with("send failed with "), "{said}");
    assert_eq!(world.granted.heard().len(), 1, "the first call's only");
    assert_eq!(world.used().denied, 1);
    assert!(world.log.text().contains("a placeholder of another call to http"));
}

#[tokio::test]
async fn a_result_with_a_secret_or_a_placeholder_is_refused() {
    let world = World::new().await;
    for (attempt, whose) in [
        ("return", "leak failed with SecretRevealed: the step's result holds the secret `key`"),
        (
            "return-within",
            "leak failed with SecretRevealed: the step's result holds the secret `key`",
        ),
        (
            "return-base64",
            "leak failed with SecretRevealed: the step's result holds the secret `key`",
        ),
        ("return-hex", "leak failed with SecretRevealed: the step's result holds the secret `key`"),
        (
            "return-placeholder",
            "leak failed with SecretRevealed: the step's result holds a placeholder",
        ),
        ("output", "failed with SecretRevealed: the function's result holds the secret `key`"),
    ] {
        let said = world.leaks(attempt).await;
        assert!(said.starts_with(whose), "{attempt}: {said}");
        // The body has run: another attempt would do everything again and come to the same.
        assert!(said.ends_with("(Never)"), "{attempt}: {said}");
        world.is_kept(&said);
        assert!(!said.contains("sb-secret-"), "{said}");
    }
}

#[tokio::test]
async fn what_is_made_of_an_answer_may_be_stored() {
    let world = World::new().await;
    assert_eq!(world.leaks("length").await, format!("done {}", VALUE.len()));
}

#[tokio::test]
async fn the_name_or_the_options_of_a_step_with_a_secret_do_not_reach_the_server() {
    let world = World::new().await;
    let said = world.leaks("step-name").await;
    assert!(said.starts_with("SecretRevealed: "), "{said}");
    assert!(said.contains("put into the options of a step the secret `key`"), "{said}");
    world.is_kept(&said);
}

#[tokio::test]
async fn printing_logging_panicking_and_failing_with_a_secret_show_its_name() {
    let world = World::new().await;
    for (attempt, begins) in [
        ("print", "Trap: "),
        ("panic", "Panic: "),
        ("fail", "leak failed with [secret key]: it is [secret key] (Never)"),
        ("log", "done \"logged\""),
    ] {
        let said = world.leaks(attempt).await;
        assert!(said.starts_with(begins), "{attempt}: {said}");
        if attempt != "log" {
            assert!(said.contains("it is [secret key]"), "{attempt}: {said}");
        }
        world.is_kept(&said);
    }
    assert!(world.log.text().contains("it is [secret key]"), "{}", world.log.text());
}

#[tokio::test]
async fn a_record_of_what_was_denied_does_not_repeat_a_secret() {
    let world = World::new().await;
    let said = world.leaks("ask-for-it").await;
    assert!(said.contains("the secret \"[secret key]\" is not granted"), "{said}");
    assert!(world.log.text().contains("audit"), "{}", world.log.text());
    world.is_kept(&said);
}

#[tokio::test]
async fn outside_of_a_step_there_are_no_placeholders() {
    let world = World::new().await;
    let said = world.site.run("asks-outside", json!({})).await;
    assert!(said.starts_with("OutsideStep: ") && said.contains("used secrets"), "{said}");
    assert!(said.contains("uses_secrets.rs:"), "{said}");
}

#[tokio::test]
async fn only_who_asks_for_placeholders_imports_them() {
    let world = World::new().await;
    assert!(world.site.component.placement().capabilities().contains(&Capability::Secrets));
    let http = std::fs::read(guests::USES_HTTP).expect("a built guest");
    let imports = runtime::placement::decode(&http).expect("imports");
    let names: Vec<String> = imports.iter().map(ToString::to_string).collect();
    assert!(
        names.iter().all(|name| !name.contains("secrets") && !name.contains("config")),
        "{names:?}"
    );
}
