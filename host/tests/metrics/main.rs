//! The figures of a worker, from runs and webhooks through the whole program to whoever fetches them; and the dashboard,
//! whose every query must find something.

#[path = "../support/counter.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod counter;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod process;
mod prometheus;
mod sample;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod server;
#[path = "../support/webhooks.rs"]
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::counter::Counter;
use self::patience::{PATIENCE, eventually};
use self::process::{Process, folder_of};
use self::prometheus::Prometheus;
use self::sample::{Sample, samples};
use self::server::{Mode, Server};

/// A worker that has done something of each kind.
struct Scene {
    // First, so that it does not outlive its server.
    worker: Process,
    server: Server,
    counter: Counter,
    _components: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let server = Server::own(Mode::Signed);
        let components = folder_of(&[guests::STEPS]);
        let worker = webhooks::worker(&server, &components).await;
        let scene =
            Self { worker, server, counter: Counter::start().await, _components: components };
        scene.work().await;
        scene
    }

    /// Two runs: one by a webhook, and one whose step fails once and then succeeds.
    async fn work(&self) {
        let body = json!({"name": "testing/five.requested", "data": {}});
        let (status, said) = webhooks::post(self.worker.address, &body).await;
        assert_eq!((status, &said["ok"]), (200, &json!(true)), "{said}");
        let counter = self.counter.url("retried");
        let asked = json!({"count": counter, "failures": 1});
        let event = self.server.send("testing/retried.requested", &asked).await;
        assert_eq!(self.server.ended(&event).await.result(), json!(1));
    }

    async fn scrape(&self) -> BTreeMap<Sample, f64> {
        let url = format!("http://{}/metrics", self.worker.address);
        let answer = reqwest::get(url).await.expect("an answer");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
        samples(&answer.text().await.expect("text"))
    }

    async fn text(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.worker.address)).await;
        answer.expect("an answer").text().await.expect("text")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_did_is_told() {
    let scene = Scene::set().await;
    // The webhook's run ends in its own time.
    let told = eventually("both functions have ended", async || {
        let told = scene.scrape().await;
        let done = |function| {
            let labels = [("function", function), ("outcome", "done")];
            told.get(&Sample::of("system_bus_calls_total", &labels)) == Some(&1.0)
        };
        (done("five") && done("retried")).then_some(told)
    })
    .await;
    let of = |name: &str, labels: &[(&str, &str)]| {
        *told
            .get(&Sample::of(name, labels))
            .unwrap_or_else(|| panic!("no {name} {labels:?}: {told:#?}"))
    };
    let five = [("function", "five")];
    let retried = [("function", "retried")];
    let step = |function, op| of("system_bus_steps_total", &[("function", function), ("op", op)]);
    assert!((step("five", "StepRun") - 5.0).abs() < 0.1);
    assert!((step("retried", "StepError") - 1.0).abs() < 0.1);
    assert!((step("retried", "StepRun") - 1.0).abs() < 0.1);
    assert!((of("system_bus_step_seconds_count", &five) - 5.0).abs() < 0.1);
    assert!((of("system_bus_step_seconds_count", &retried) - 2.0).abs() < 0.1);
    // Whatever was called again for the second attempt counts.
    assert!(of("system_bus_retries_total", &retried) >= 1.0);
    assert!(!told.contains_key(&Sample::of("system_bus_retries_total", &five)));
    // The guest is a part of its calls, and not nothing.
    for function in [five, retried] {
        let (guest, all) = (
            of("system_bus_guest_seconds_total", &function),
            of("system_bus_call_seconds_sum", &function),
        );
        assert!(0.0 < guest && guest < all, "{guest} of {all}");
    }
    for (name, value) in [
        ("system_bus_generation", 1.0),
        ("system_bus_versions_alive", 1.0),
        ("system_bus_registered", 1.0),
        ("system_bus_refused", 0.0),
        ("system_bus_webhook_spool_events", 0.0),
        ("system_bus_webhook_spool_held", 0.0),
    ] {
        assert!((of(name, &[]) - value).abs() < 0.1, "{name}: {}", of(name, &[]));
    }
    let loaded = |from| of("system_bus_components_loaded_total", &[("from", from)]);
    assert!((loaded("cache") + loaded("compiler") - 1.0).abs() < 0.1);
    let http = [("component", "steps"), ("capability", "http")];
    assert!((of("system_bus_capability_calls_total", &http) - 2.0).abs() < 0.1);
    assert!(of("system_bus_capability_denied_total", &http).abs() < 0.1);
    let accepted = [("provider", "joelclaw"), ("verdict", "accepted")];
    assert!((of("system_bus_webhook_deliveries_total", &accepted) - 1.0).abs() < 0.1);
    let forwarded = [("provider", "joelclaw")];
    assert!((of("system_bus_webhook_forwarding_seconds_count", &forwarded) - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_query_of_the_dashboard_finds_something_in_a_real_prometheus() {
    let Some(prometheus) = Prometheus::found() else {
        let missing = "no prometheus on this machine; install it (Debian: prometheus) to ask what the dashboard asks";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci == "false"), "{missing}");
        println!("left out: {missing}");
        return;
    };
    let scene = Scene::set().await;
    let prometheus = prometheus.start(scene.worker.address).await;
    eventually("it has fetched twice", async || {
        let up = prometheus.ask("count_over_time(system_bus_generation[1m])").await;
        let count = up["data"]["result"][0]["value"][1].as_str()?.parse::<u32>().ok()?;
        (count >= 2).then_some(())
    })
    .await;
    // Rates need a change after the first look.
    scene.work().await;
    let queries = queries();
    assert!(queries.len() >= 20, "{queries:#?}");
    for (panel, query) in queries {
        eventually(&format!("{panel}: {query}"), async || {
            let found = prometheus.ask(&query).await;
            assert_eq!(found["status"], "success", "{panel}: {query}: {found}");
            found["data"]["result"].as_array().filter(|all| !all.is_empty()).map(|_| ())
        })
        .await;
    }
    // What the name is of nothing finds nothing: the check can fail.
    let none = prometheus.ask("sum(rate(system_bus_call_total[1m]))").await;
    assert_eq!(none["data"]["result"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_all_figures_and_no_other() {
    let scene = Scene::set().await;
    let told = eventually("all of them are told", async || {
        let text = scene.text().await;
        // It comes with the end of the run that a webhook began.
        text.contains("system_bus_retries_total").then_some(text)
    })
    .await;
    let described = |line: &str| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        Some(match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
    };
    let told: BTreeSet<_> = told.lines().filter_map(described).collect();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let row = |line: &str| {
        let name = line.strip_prefix("| `")?.split_once("` |")?.0;
        name.starts_with("system_bus_").then(|| name.to_owned())
    };
    let rows = page.lines().take_while(|line| !line.starts_with("## "));
    let listed: BTreeSet<_> = rows.filter_map(row).collect();
    assert_eq!(listed, told);
}

/// The queries of the dashboard, each with the title of its panel, with everything filled in that Grafana fills in.
fn queries() -> Vec<(String, String)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operate/grafana.json");
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(file).expect("the dashboard")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| (panel, target))
    });
    targets
        .map(|(panel, target)| {
            let query = target["expr"].as_str().expect("a query");
            let query = query.replace("$__rate_interval", "1m").replace("$instance", ".*");
            assert!(!query.contains('$'), "{query}");
            (panel["title"].as_str().expect("a title").to_owned(), query)
        })
        .collect()
}
