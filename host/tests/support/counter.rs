//! A server that step bodies report to: it counts them, and can hold one back until the test says so.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Counts reports: one for each body that ran, by run and step.
#[derive(Clone)]
pub(crate) struct Counter {
    port: u16,
    /// How many milliseconds each report waits for its answer.
    nap: u64,
    seen: watch::Receiver<Counts>,
    held: Held,
    echoed: Arc<AtomicU32>,
}

/// Which steps of which runs wait for their answer.
type Held = Arc<Mutex<BTreeMap<(String, String), watch::Sender<bool>>>>;
type Counts = BTreeMap<(String, String), u32>;

#[derive(Clone)]
struct Reports {
    seen: watch::Sender<Counts>,
    held: Held,
}

impl Counter {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (seen, watched) = watch::channel(Counts::new());
        let held = Arc::new(Mutex::new(BTreeMap::new()));
        let reports = Reports { seen, held: Arc::clone(&held) };
        let echoed = Arc::new(AtomicU32::new(0));
        let times = Arc::clone(&echoed);
        let echo = post(async move |body: String| {
            times.fetch_add(1, Ordering::Relaxed);
            // Text that is JSON comes back as it is, anything else as JSON text.
            let json = serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body));
            axum::Json(json)
        });
        let reported = Router::new()
            .route("/{run}/{step}", post(report))
            .route("/nap/{nap}/{run}/{step}", post(nap))
            .with_state(reports);
        let router = reported.route("/echo", echo);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, nap: 0, seen: watched, held, echoed }
    }

    /// Where requests are answered with their own body.
    pub(crate) fn echo_url(&self) -> String {
        format!("http://127.0.0.1:{}/echo", self.port)
    }

    /// How often that was asked for.
    pub(crate) fn echoes(&self) -> u32 {
        self.echoed.load(Ordering::Relaxed)
    }

    /// The same counter, whose bodies take so long.
    #[allow(dead_code, reason = "only a drill has slow bodies")]
    pub(crate) fn napping(&self, nap: std::time::Duration) -> Self {
        Self { nap: u64::try_from(nap.as_millis()).expect("not that long"), ..self.clone() }
    }

    /// Where the bodies of one run report to.
    pub(crate) fn url(&self, run: &str) -> String {
        match self.nap {
            0 => format!("http://127.0.0.1:{}/{run}", self.port),
            nap => format!("http://127.0.0.1:{}/nap/{nap}/{run}", self.port),
        }
    }

    /// The first report of this step gets no answer until [`Counter::release`].
    pub(crate) fn hold(&self, run: &str, step: &str) {
        let (sender, _) = watch::channel(false);
        self.held.lock().expect("no panic").insert((run.to_owned(), step.to_owned()), sender);
    }

    /// Answers one step that is held.
    #[allow(dead_code, reason = "only the suite holds one of several")]
    pub(crate) fn let_go(&self, run: &str, step: &str) {
        let key = (run.to_owned(), step.to_owned());
        if let Some(sender) = self.held.lock().expect("no panic").remove(&key) {
            sender.send_replace(true);
        }
    }

    /// Answers what is held.
    pub(crate) fn release(&self) {
        for sender in self.held.lock().expect("no panic").values() {
            sender.send_replace(true);
        }
        self.held.lock().expect("no panic").clear();
    }

    /// Waits until a step has reported this often.
    pub(crate) async fn reached(&self, run: &str, step: &str, times: u32) {
        let key = (run.to_owned(), step.to_owned());
        let mut seen = self.seen.clone();
        let reached = seen.wait_for(|counts| counts.get(&key).is_some_and(|&count| count >= times));
        tokio::time::timeout(super::PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{run}/{step} did not report {times} times"))
            .expect("the counter lives");
    }

    /// How often each step of a run has reported.
    pub(crate) fn counts(&self, run: &str) -> BTreeMap<String, u32> {
        let seen = self.seen.borrow();
        seen.iter()
            .filter(|((of, _), _)| of == run)
            .map(|((_, step), count)| (step.clone(), *count))
            .collect()
    }

    /// How often anything has reported.
    pub(crate) fn total(&self) -> u32 {
        self.seen.borrow().values().sum()
    }
}

/// A report that is answered after a while.
async fn nap(
    reports: State<Reports>,
    Path((nap, run, step)): Path<(u64, String, String)>,
    whole: axum::body::Bytes,
) -> StatusCode {
    let status = report(reports, Path((run, step)), whole).await;
    tokio::time::sleep(std::time::Duration::from_millis(nap)).await;
    status
}

async fn report(
    State(reports): State<Reports>,
    Path(key): Path<(String, String)>,
    // An answer to a request that is not read to its end may be lost with the connection: the step would fail, and
    // report once more.
    _whole: axum::body::Bytes,
) -> StatusCode {
    let held = reports.held.lock().expect("no panic").get(&key).map(watch::Sender::subscribe);
    let mut first = false;
    reports.seen.send_modify(|counts| {
        let count = counts.entry(key).or_default();
        *count += 1;
        first = *count == 1;
    });
    if let (Some(mut held), true) = (held, first) {
        // An error means that the test is over.
        drop(held.wait_for(|released| *released).await);
    }
    StatusCode::NO_CONTENT
}
