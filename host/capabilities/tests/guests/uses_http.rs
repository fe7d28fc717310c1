//! Requests of a real guest to real servers on loopback, and what it is refused.

mod addresses;
mod limits;
mod redirects;
mod requests;
mod secure;
mod server;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use capabilities::http::{Provider, Resolver};
use capabilities::secrets::Vault;
use runtime::capability::Used;
use runtime::placement::Capability;
use serde_json::{Value, json};

use self::server::Server;
use crate::site::Site;

/// The guest with these grants of its own, in TOML; names lead to this machine.
async fn site(http: &str) -> Site {
    resolving(http, Arc::new(Names::always("127.0.0.1"))).await
}

/// The same with another resolver.
async fn resolving(http: &str, resolver: Arc<dyn Resolver>) -> Site {
    let text =
        format!("[components.uses-http]\nhttp = [{http}]\n[components.other]\nhttp = [{http}]");
    let grants = capabilities::grants::parse(&text).expect("grants");
    let vault = Vault::open(&grants).expect("a vault");
    let provider = Provider::with_resolver(Arc::new(grants), vault, resolver);
    Site::new(guests::USES_HTTP, vec![Arc::new(provider)]).await
}

/// A grant for this server and all of its paths.
fn whole(server: &Server) -> String {
    format!("{{ to = '{}', private = true }}", server.url(""))
}

fn get(url: impl Into<String>) -> Value {
    json!({"url": url.into()})
}

/// What the guest has used so far.
fn used(site: &Site) -> Used {
    site.runtime.usage()["uses-http"].of(Capability::Http)
}

/// Answers with one address after the other; with the last one from then on.
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn always(address: &str) -> Self {
        Self::in_turn(&[&[address]])
    }

    fn in_turn(answers: &[&[&str]]) -> Self {
        let address = |text: &&str| text.parse().expect("an address");
        let answers = answers.iter().rev().map(|all| all.iter().map(address).collect()).collect();
        Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("a lock");
        let last = answers.len() == 1;
        Ok(if last { answers[0].clone() } else { answers.pop().expect("an answer") })
    }
}
