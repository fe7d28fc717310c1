use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::outcome::Outcome;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::call::{Made, RUN, data, load, runtime};

/// A server that takes a while for each answer, and counts how many it works on at once.
pub(crate) struct Slow {
    port: u16,
    most: Arc<AtomicUsize>,
}

impl Slow {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&most);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (now, most) = (Arc::clone(&now), Arc::clone(&counted));
                tokio::spawn(async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let _ = stream.read(&mut [0; 4096]).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { port, most }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.destination())
    }

    pub(crate) fn destination(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn time_and_randomness_repeat_outside_of_steps_and_are_real_inside() {
    let component = load(&runtime(&[]), guests::REPLAY).await.expect("a component");
    let first = Made::default().to(&component, "looks").await.expect("it runs");
    let Outcome::StepRan { data: inside, .. } = first else {
        panic!("{first:?}");
    };
    let inside: Value = serde_json::from_str(inside.get()).expect("JSON");
    let run: protocol::id::RunId = RUN.parse().expect("a ULID");
    assert!(
        inside["millis"].as_u64() > Some(run.unix_millis() - 1),
        "a step sees the real time: {inside}"
    );

    let memos = [("inside", data(inside.clone()))];
    let looked = || async {
        let made = Made { memos: &memos, ..Made::default() };
        made.told(&component, "looks").await
    };
    let (once, twice) = (looked().await, looked().await);
    assert_eq!(once, twice, "the same in every replay");
    let seen: Value =
        serde_json::from_str(once.strip_prefix("done ").expect("done")).expect("JSON");
    assert_eq!(seen["before"]["millis"], run.unix_millis());
    assert_eq!(seen["after"]["millis"], run.unix_millis(), "time stands still");
    assert_eq!(seen["now"], run.unix_millis());
    assert_eq!(seen["stood"], true, "the monotonic clock too");
    assert_ne!(inside["millis"], seen["before"]["millis"]);
}

#[tokio::test]
async fn the_network_outside_of_a_step_is_refused_and_nobody_can_hide_it() {
    let component = load(&runtime(&["*:*"]), guests::REPLAY).await.expect("a component");
    let said = Made::default().told(&component, "asks-outside").await;
    assert!(
        said.starts_with(
            "OutsideStep: function asks-outside of component replay: it used outgoing HTTP"
        ),
        "{said}"
    );
    assert!(said.contains("guests/replay.rs:"), "the source line: {said}");
    assert!(said.contains("ctx.step("), "what to do: {said}");
}

#[tokio::test]
async fn waiting_outside_of_a_step_is_refused() {
    let component = load(&runtime(&[]), guests::REPLAY).await.expect("a component");
    let said = Made::default().told(&component, "waits-outside").await;
    assert!(said.starts_with("OutsideStep: ") && said.contains("ctx.sleep("), "{said}");
    assert!(said.contains("guests/replay.rs:"), "the source line: {said}");
}

#[tokio::test]
async fn waiting_for_what_is_not_a_step_is_an_error_at_once() {
    let component = load(&runtime(&[]), guests::REPLAY).await.expect("a component");
    let said = Made::default().told(&component, "stuck").await;
    assert!(said.starts_with("StepProtocol: ") && said.contains("not a step"), "{said}");
}

#[tokio::test]
async fn requests_reach_only_what_is_allowed() {
    let server = Slow::start().await;
    let ask = |url: String, allowed: &'static [&'static str]| async move {
        let component = load(&runtime(allowed), guests::REPLAY).await.expect("a component");
        let made = Made { data: json!({ "url": url }), ..Made::default() };
        made.told(&component, "asks").await
    };
    assert_eq!(ask(server.url(), &["127.0.0.1:*"]).await, "ran ask \"status 204\"");
    assert_eq!(ask(server.url(), &["example.com"]).await, "ran ask \"Denied\"");
    assert_eq!(
        ask("http://127.0.0.1:1/".to_owned(), &["127.0.0.1:1"]).await,
        "ran ask \"Refused\""
    );
    // It takes the connection, and never says a word. Dropped, it would refuse.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    assert_eq!(ask(url, &["127.0.0.1:*"]).await, "ran ask \"Silent\"");
}

#[tokio::test]
async fn a_line_is_logged_once_and_not_in_every_replay() {
    let lines = Lines::default();
    let _guard = lines.listen();
    let component = load(&runtime(&[]), guests::REPLAY).await.expect("a component");
    let memos = [("one", data(json!(null))), ("two", data(json!(null)))];
    for done in 0..=2 {
        Made { memos: &memos[..done], ..Made::default() }.told(&component, "logs").await;
    }
    assert_eq!(lines.taken(), ["begin", "in one", "between", "end"]);
}

/// Collects what guests log.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<std::sync::Mutex<Vec<String>>>);

impl Lines {
    /// Hears this thread until the end of the guard.
    ///
    /// A place that logs asks once whether anybody listens, and may ask while a listener is just coming: beside this
    /// thread's own there is therefore one that always listens.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        static ALWAYS: std::sync::Once = std::sync::Once::new();
        ALWAYS.call_once(|| {
            tracing::subscriber::set_global_default(Self::default()).expect("nobody else sets one");
        });
        tracing::subscriber::set_default(self.clone())
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "guest"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(Option<String>);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = Some(format!("{value:?}"));
                }
            }
        }
        let mut message = Message(None);
        event.record(&mut message);
        self.0.lock().expect("no panic").extend(message.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
