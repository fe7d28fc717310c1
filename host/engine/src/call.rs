//! What a call looks like on the wire.

use protocol::header;
use protocol::id::RunId;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use crate::event::canonical;
use crate::function::Function;
use crate::queue::CallId;
use crate::run::{Item, Run, Work, queue_item};

/// The largest body a call may have; beyond it the worker fetches the state.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
const LARGEST_STATE: usize = LARGEST_BODY - 1024;

/// A call to be made.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) call: CallId,
    pub(crate) url: Url,
    /// All headers but the signature, whose time is that of sending.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Whom it is for, as an envelope says it.
    pub(crate) names: Names,
}

/// Whom a call is for.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) request: String,
    pub(crate) run: RunId,
    pub(crate) app: String,
    pub(crate) slug: String,
    /// The function's id that calls and the API show.
    pub(crate) function: String,
    /// The targeted step; `step` in a discovery call.
    pub(crate) target: String,
    pub(crate) job: String,
}

impl Order {
    /// Whether it goes over Connect.
    pub(crate) fn is_connect(&self) -> bool {
        crate::function::is_connect(&self.url)
    }

    /// The call of an item of a run.
    pub(crate) fn new(
        call: CallId,
        request: &str,
        run: &Run,
        item: &Item,
        function: &Function,
        events: &[&RawValue],
    ) -> Self {
        let target = match item.work {
            Work::Step { id } => id.to_string(),
            _ => protocol::call::DISCOVERY.to_owned(),
        };
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            (header::RUN_ID, run.id.to_string()),
            (header::STEP_ID, target.clone()),
            ("x-request-id", request.to_owned()),
            ("x-inngest-job-id", item.job.clone()),
            (header::REQUEST_VERSION, run.version.to_string()),
            ("x-inngest-generation-id", item.generation.to_string()),
        ];
        let body = body(request, run, item, function, events);
        let url = address(&function.url, &function.slug, &target);
        let names = Names {
            request: request.to_owned(),
            run: run.id,
            app: run.app.clone(),
            slug: function.slug.clone(),
            function: function.uuid.clone(),
            target,
            job: item.job.clone(),
        };
        Self { call, url, headers, body, names }
    }
}

/// The registered URL with its own `fnId` and `stepId` replaced.
fn address(url: &Url, slug: &str, target: &str) -> Url {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "fnId" && key != "stepId")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut()
        .clear()
        .append_pair("fnId", slug)
        .append_pair("stepId", target)
        .extend_pairs(others);
    url
}

/// The body, canonical: the small parts are written by the canonical serializer, the large ones are so already.
fn body(
    request: &str,
    run: &Run,
    item: &Item,
    function: &Function,
    events: &[&RawValue],
) -> String {
    let event = events.first().map_or("null", |event| event.get());
    let list = events.iter().map(|event| event.get()).collect::<Vec<_>>().join(",");
    let too_much = run.state_bytes() > LARGEST_STATE;
    let steps = if too_much { String::new() } else { steps(run) };
    let whole = assemble(
        &context(request, run, item, function, too_much),
        event,
        &list,
        &steps,
        too_much,
        run.version,
    );
    if whole.len() <= LARGEST_BODY {
        return whole;
    }
    assemble(&context(request, run, item, function, true), event, "", "", true, run.version)
}

fn assemble(
    context: &Value,
    event: &str,
    events: &str,
    steps: &str,
    use_api: bool,
    version: i32,
) -> String {
    let context = canonical(context);
    let state = format!(r#""event":{event},"events":[{events}],"steps":{{{steps}}}"#);
    let flags = format!(r#""use_api":{use_api},"version":{version}"#);
    format!(r#"{{"ctx":{context},"defers":{{}},{state},{flags}}}"#)
}

fn steps(run: &Run) -> String {
    let entries: Vec<String> =
        run.state().into_iter().map(|(id, memo)| format!(r#""{id}":{memo}"#)).collect();
    entries.join(",")
}

fn context(request: &str, run: &Run, item: &Item, function: &Function, use_api: bool) -> Value {
    serde_json::json!({
        "attempt": item.attempt,
        "disable_immediate_execution": run.planning,
        "env": "",
        "fn_id": function.uuid,
        "generation_id": item.generation,
        "job_id": item.job,
        "max_attempts": function.max_attempts,
        "qi_id": queue_item(&item.job),
        "request_id": request,
        "run_id": run.id,
        "stack": {"current": run.stack.len(), "stack": run.stack},
        // Always the registered step; the target is in the URL and the header.
        "step_id": protocol::call::DISCOVERY,
        "use_api": use_api,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_address_is_the_registered_one_with_the_target_replaced() {
        let url = Url::parse("http://127.0.0.1:3111/api/inngest?fnId=old&stepId=step&x=1")
            .expect("a URL");
        let address = address(&url, "app-check/health", "cd59");
        assert_eq!(
            address.as_str(),
            "http://127.0.0.1:3111/api/inngest?fnId=app-check%2Fhealth&stepId=cd59&x=1"
        );
    }

    #[test]
    fn a_call_has_the_members_that_were_recorded() {
        let function =
            serde_json::json!({"name": "f", "steps": {"step": {"runtime": {"url": "http://w/"}}}});
        let function = Function::parse("app", &function).expect("a function");
        let run: Run = serde_json::from_value(serde_json::json!({
            "id": "01M81GXW71CEV7JQT6T4T8NAKZ", "app": "app", "slug": "f", "events": [], "status": "Running",
            "queued_at": "2026-11-22T13:00:00Z", "version": 2, "planning": true, "stack": [], "pending": [],
            "planned": [], "items": {}, "next_item": 0,
        }))
        .expect("a run");
        let item = Item {
            work: Work::Discovery,
            due: run.queued_at,
            attempt: 1,
            job: "1yie0mnxcvypm".to_owned(),
            generation: 2,
            request: None,
        };
        let event = RawValue::from_string(r#"{"name":"a/b"}"#.to_owned()).expect("JSON");
        let body = body("01M81GXWC23FG500STEJJD65AD", &run, &item, &function, &[&event]);
        let json: Value = serde_json::from_str(&body).expect("JSON");
        // The members that a real server sends.
        let members = |json: &Value| -> BTreeSet<String> {
            json.as_object().expect("an object").keys().cloned().collect()
        };
        let named =
            |names: &str| -> BTreeSet<String> { names.split(' ').map(str::to_owned).collect() };
        assert_eq!(members(&json), named("ctx defers event events steps use_api version"));
        assert_eq!(
            members(&json["ctx"]),
            named(
                "attempt disable_immediate_execution env fn_id generation_id job_id max_attempts qi_id request_id \
                 run_id stack step_id use_api"
            )
        );
        assert_eq!(json["ctx"]["qi_id"], "MXlpZTBtbnhjdnlwbTo6ZGVmYXVsdA==");
        assert_eq!(json["ctx"]["generation_id"], 2);
    }
}
