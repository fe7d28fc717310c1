//! What stands between the check and the real server and worker: it passes on what it is asked, and in a case of the drill
//! answers something else.

use std::sync::{Arc, Mutex, MutexGuard};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::HIDDEN;
use super::planted;
use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// What the server wants to be told, and what the worker does.
pub(super) const SECRETS: [&str; 2] = ["server-secret-of-the-drill", "worker-secret-of-the-drill"];

/// What is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// Nothing.
    Well,
    /// The server does not know a function until the worker registers.
    Missing,
    /// Nor does it afterwards.
    Forgotten,
    /// There is an app with schedules that do not do what they say.
    Dead,
    /// The worker does not answer.
    Away,
    /// The worker does not register.
    Unwilling,
}

#[derive(Debug)]
struct State {
    case: Case,
    /// Whether the worker has registered since the check last began.
    registered: bool,
    /// Where the real worker is.
    worker: String,
}

/// Both.
pub(super) struct Relay {
    pub(super) server: Site,
    pub(super) worker: Site,
    state: Arc<Mutex<State>>,
}

impl Relay {
    pub(super) fn on(stage: &Stage) -> Self {
        let kept = State { case: Case::Well, registered: false, worker: String::new() };
        let kept = Arc::new(Mutex::new(kept));
        let (origin, before_server) = (stage.server.origin().to_owned(), Arc::clone(&kept));
        let before_worker = Arc::clone(&kept);
        Self {
            server: stage.site(move |asked| server(&origin, &before_server, asked)),
            worker: stage.site(move |asked| worker(&before_worker, asked)),
            state: kept,
        }
    }

    pub(super) fn worker_is(&self, origin: String) {
        self.state().worker = origin;
    }

    pub(super) fn set(&self, case: Case) {
        self.state().case = case;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

fn server(origin: &str, state: &Mutex<State>, asked: &Asked) -> Answer {
    if asked.header("authorization") != format!("Bearer {}", SECRETS[0]) {
        return Answer::text(401, "text/plain", "who are you?");
    }
    let (case, registered) = {
        let state = state.lock().expect("nobody panics with it");
        (state.case, state.registered)
    };
    if asked.path.starts_with("/v2/apps/planted/") {
        return planted::answer(asked);
    }
    let mut page = pass_on(origin, asked).1;
    let items = page["data"].as_array_mut().expect("a list");
    if asked.path == "/v2/apps" && case == Case::Dead {
        items.push(json!({"id": "planted"}));
    }
    if asked.path.ends_with("/functions") {
        let hides = case == Case::Forgotten || case == Case::Missing && !registered;
        items.retain(|function| !hides || function["id"] != HIDDEN);
        items.iter_mut().for_each(without_others);
    }
    Answer::json(200, &page)
}

/// Schedules of others may be dead in a drill, where they have not all that they need.
fn without_others(function: &mut Value) {
    if !super::SCHEDULED.iter().any(|(id, _)| function["id"] == *id) {
        function["triggers"] = json!([]);
    }
}

fn worker(state: &Mutex<State>, asked: &Asked) -> Answer {
    if asked.header("authorization") != format!("Bearer {}", SECRETS[1]) {
        return Answer::text(401, "text/plain", "who are you?");
    }
    let (case, origin) = {
        let mut state = state.lock().expect("nobody panics with it");
        // A check begins with the list of the worker's functions.
        state.registered = asked.method == "PUT";
        (state.case, state.worker.clone())
    };
    match case {
        Case::Away => Answer::text(503, "text/plain", "it starts"),
        Case::Unwilling if asked.method == "PUT" => Answer::text(500, "text/plain", "not now"),
        _ => {
            let (status, mut body) = pass_on(&origin, asked);
            for function in body["functions"].as_array_mut().into_iter().flatten() {
                without_others(function);
            }
            if case == Case::Unwilling {
                body["functions"] = json!([{"id": "system/never.registered"}]);
            }
            Answer::json(status, &body)
        }
    }
}

/// Asks the real one, which needs no secrets of a caller on this machine.
fn pass_on(origin: &str, asked: &Asked) -> (u16, Value) {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&asked.query).finish();
    let url = format!("{origin}{}?{query}", asked.path);
    let method = Method::from_bytes(asked.method.as_bytes()).expect("a method");
    block_in_place(|| {
        Handle::current().block_on(async {
            let answer = reqwest::Client::new().request(method, url).send().await;
            let answer = answer.expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        })
    })
}
