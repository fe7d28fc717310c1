//! A headless Chromium, driven over its DevTools protocol.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How a document is looked at.
pub struct Look {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
    pub phone: bool,
    pub dark: bool,
}

/// One tab of a browser of its own.
pub struct Browser {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    next: u64,
    loaded: u32,
    errors: Vec<String>,
    _profile: tempfile::TempDir,
}

const PATIENCE: Duration = Duration::from_secs(60);

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = std::env::split_paths(&path).flat_map(|d| names.map(|name| d.join(name)));
    places.find(|file| file.is_file())
}

impl Browser {
    /// Starts one; none where there is no Chromium.
    pub async fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(program()?)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .args(["--remote-debugging-port=0", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromium starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        let url = tokio::time::timeout(PATIENCE, async {
            loop {
                let line =
                    lines.next_line().await.expect("its words").expect("it says where it listens");
                if let Some(url) = line.strip_prefix("DevTools listening on ") {
                    return url.to_owned();
                }
            }
        });
        let url = url.await.expect("chromium listens");
        // Its further words are read, so that it is never held up by them.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("a connection");
        let mut browser = Self {
            child,
            socket,
            session: None,
            next: 0,
            loaded: 0,
            errors: Vec::new(),
            _profile: profile,
        };
        let target = browser.command("Target.createTarget", json!({"url": "about:blank"})).await;
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.command("Target.attachToTarget", target).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.command(domain, json!({})).await;
        }
        Some(browser)
    }

    pub async fn look(&mut self, look: &Look) {
        let metrics = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1,
            "mobile": look.phone});
        self.command("Emulation.setDeviceMetricsOverride", metrics).await;
        let value = if look.dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.command("Emulation.setEmulatedMedia", media).await;
    }

    /// Goes to an address, and waits until everything is there.
    pub async fn open(&mut self, url: &str) {
        let before = self.loaded;
        let gone = self.command("Page.navigate", json!({"url": url})).await;
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        while self.loaded == before {
            self.receive().await;
        }
    }

    /// What an expression is worth in the document.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.command("Runtime.evaluate", asked).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        let asked = json!({"expression": expression, "returnByValue": true});
        for _ in 0..600 {
            // The document may be on its way out.
            let answer = self.command("Runtime.evaluate", asked.clone()).await;
            if answer["result"]["value"] == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never came to be that {expression}");
    }

    pub async fn picture(&mut self) -> Vec<u8> {
        let answer = self.command("Page.captureScreenshot", json!({"format": "png"})).await;
        BASE64_STANDARD.decode(answer["data"].as_str().expect("a picture")).expect("base64")
    }

    /// Errors of its console until now.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// Leaves out the errors that say this: they were meant to be.
    pub fn forgive(&mut self, said: &str) {
        self.errors.retain(|error| !error.contains(said));
    }

    pub async fn end(mut self) {
        self.session = None;
        self.command("Browser.close", json!({})).await;
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
    }

    async fn command(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).await.expect("sent");
        loop {
            let answer = self.receive().await;
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The next message; what it tells of the document is noted.
    async fn receive(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let message =
                message.expect("chromium answers").expect("a message").expect("a message");
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            let params = &message["params"];
            match message["method"].as_str() {
                Some("Page.loadEventFired") => self.loaded += 1,
                Some("Runtime.exceptionThrown") => {
                    self.errors.push(params["exceptionDetails"].to_string());
                }
                Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                    self.errors.push(params["args"].to_string());
                }
                Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                    self.errors.push(params["entry"].to_string());
                }
                _ => {}
            }
            return message;
        }
    }
}
