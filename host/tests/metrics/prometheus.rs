//! A real Prometheus, which fetches from one worker.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::eventually;
use crate::process::free_address;

/// The program.
pub(crate) struct Prometheus(PathBuf);

/// A running one. Killed when dropped.
pub(crate) struct Fetching {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// The one of this machine, if there is one.
    pub(crate) fn found() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let mut places = std::env::split_paths(&path).map(|folder| folder.join("prometheus"));
        places.find(|file| file.is_file()).map(Self)
    }

    /// Has it fetch from a worker once a second.
    pub(crate) async fn start(&self, worker: SocketAddr) -> Fetching {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs: [{{job_name: system-bus, static_configs: [{{targets: ['{worker}']}}]}}]\n"
        );
        std::fs::write(&config, text).expect("written");
        let address = free_address();
        let child = Command::new(&self.0)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let fetching = Fetching { child, address, _folder: folder };
        eventually("prometheus is ready", async || {
            let ready = reqwest::get(format!("http://{address}/-/ready")).await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        fetching
    }
}

impl Fetching {
    /// What it answers to a query.
    pub(crate) async fn ask(&self, query: &str) -> Value {
        let url = format!("http://{}/api/v1/query", self.address);
        let request = reqwest::Client::new().get(url).query(&[("query", query)]);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
