//! A stand-in for the API server of Kubernetes, on loopback, for tests.
//!
//! It keeps whatever objects it is given, of any kind, and answers as the real one does where clients can tell: versions and
//! conflicts, server-side apply with the owners of fields, watches over a bounded history, pods' proxies, tokens. It has none of
//! the real one's opinions of what an object may say, and lists within objects belong to one owner each.
//!
//! | module | what it does |
//! | --- | --- |
//! | `path` | which objects a request is about |
//! | `store` | the objects, their versions, and what changed |
//! | `owners` | server-side apply |
//! | `serve` | requests and answers |
//! | `watching` | the stream of a watch |
//! | `rolling` | Deployments that bring pods up, and take them down |

mod owners;
mod path;
mod rolling;
mod serve;
mod store;
mod watching;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::rolling::{Fate, Pods};
use self::store::Store;

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query, empty where it has none.
    pub query: String,
}

/// A request that is to be refused, whatever it asks.
#[derive(Debug, Clone)]
struct Fault {
    method: String,
    part: String,
    code: u16,
    reason: String,
    times: u32,
}

/// What all requests share.
struct State {
    store: Mutex<Store>,
    /// The version of the newest change, for whoever watches.
    news: watch::Sender<u64>,
    /// Counts how often all watches were cut.
    cuts: watch::Sender<u64>,
    token: Mutex<Option<String>>,
    faults: Mutex<Vec<Fault>>,
    asked: Mutex<Vec<Asked>>,
    pods: Mutex<BTreeMap<(String, String), SocketAddr>>,
    /// Sends on to pods.
    client: reqwest::Client,
    stop: CancellationToken,
}

/// The server. It stops when this is dropped.
pub struct ApiServer {
    state: Arc<State>,
    address: SocketAddr,
    _stopped: DropGuard,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ApiServer {
    /// Starts one, with nothing in it but the namespace `default`.
    ///
    /// # Panics
    /// Where this machine has no port left.
    pub async fn start() -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts one at an address.
    ///
    /// # Panics
    /// Where the address is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        // Fails when another test was first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            store: Mutex::new(Store::new()),
            news: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            token: Mutex::new(None),
            faults: Mutex::new(Vec::new()),
            asked: Mutex::new(Vec::new()),
            pods: Mutex::new(BTreeMap::new()),
            client: reqwest::Client::new(),
            stop: CancellationToken::new(),
        });
        let served = axum::serve(listener, serve::router(Arc::clone(&state)))
            .with_graceful_shutdown(state.stop.clone().cancelled_owned());
        tokio::spawn(async move { served.await });
        let stopped = state.stop.clone().drop_guard();
        Self { state, address, _stopped: stopped }
    }

    /// Where it is: `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of it.
    pub fn client(&self) -> kube::Client {
        client(self.address)
    }

    /// A file for `KUBECONFIG` that leads to it, with a token where one is given.
    pub fn kubeconfig(&self, namespace: &str, token: Option<&str>) -> String {
        let user = token.map_or_else(|| "{}".to_owned(), |token| format!("{{token: {token}}}"));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: stand-in\nclusters:\n- name: stand-in\n  cluster: {{server: {}}}\nusers:\n- name: somebody\n  user: {user}\ncontexts:\n- name: stand-in\n  context: {{cluster: stand-in, user: somebody, namespace: {namespace}}}\n",
            self.url()
        )
    }

    /// From now on every request has to come with this token.
    pub fn require_token(&self, token: &str) {
        *lock(&self.state.token) = Some(token.to_owned());
    }

    /// Refuses the next requests of this method, `times` of them, whose path has this part.
    pub fn fail(&self, method: &str, part: &str, code: u16, reason: &str, times: u32) {
        lock(&self.state.faults).push(Fault {
            method: method.to_owned(),
            part: part.to_owned(),
            code,
            reason: reason.to_owned(),
            times,
        });
    }

    /// Ends every watch, as a proxy in between does.
    pub fn cut_watches(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Forgets what changed, as a real one does after minutes: watches from before are `410 Gone`.
    pub fn forget_history(&self) {
        lock(&self.state.store).forget();
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state.asked).clone()
    }

    /// Where requests for a pod go that come by the proxy of this server.
    pub fn put_pod(&self, namespace: &str, pod: &str, address: SocketAddr) {
        lock(&self.state.pods).insert((namespace.to_owned(), pod.to_owned()), address);
    }

    /// An object, by its path, such as `/api/v1/namespaces/a/configmaps/b`.
    pub fn object(&self, path: &str) -> Option<Value> {
        let at = path::Path::parse(path)?;
        lock(&self.state.store).get(&at.key()?).cloned()
    }

    /// Puts an object there without being asked, as somebody else would.
    pub fn put(&self, path: &str, object: Value) {
        let Some(key) = path::Path::parse(path).and_then(|at| at.key()) else { return };
        self.state.change(|store| drop(store.put(key, object)));
    }

    /// Takes an object away.
    pub fn remove(&self, path: &str) {
        let Some(key) = path::Path::parse(path).and_then(|at| at.key()) else { return };
        self.state.change(|store| drop(store.delete(&key)));
    }

    /// Brings the pods of Deployments up from now on, each as `pods` says.
    pub fn roll(&self, pods: impl Pods) {
        let rolling = rolling::run(Arc::clone(&self.state), pods);
        tokio::spawn(self.state.stop.clone().run_until_cancelled_owned(rolling));
    }
}

impl State {
    /// Changes objects, and tells whoever watches.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = lock(&self.store);
        let answer = change(&mut store);
        self.news.send_replace(store.version());
        answer
    }
}

fn client(address: SocketAddr) -> kube::Client {
    let url = format!("http://{address}").parse().expect("an address is a URL");
    let mut config = kube::Config::new(url);
    "default".clone_into(&mut config.default_namespace);
    kube::Client::try_from(config).expect("a client without TLS")
}
