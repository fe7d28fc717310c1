//! Calls and replies in the forms of Connect.

use protocol::connect::frames::{ExecutorRequest, SdkResponse, Status};
use serde_json::json;

use crate::app::uuid_of;
use crate::call::Order;
use crate::entropy::Entropy;
use crate::reply::{Answer, Reply};
use crate::trace_context::TraceContext;

/// The account and the environment of every call, as the real server names them where there is only one of each.
const ACCOUNT: &str = "00000000-0000-4000-a000-000000000000";
const ENVIRONMENT: &str = "00000000-0000-4000-b000-000000000000";

/// The request for a call, but for its lease.
pub(super) fn request(order: Order, entropy: &mut dyn Entropy) -> ExecutorRequest {
    let Order { names, body, .. } = order;
    let run = names.run.to_string();
    let app_id = uuid_of(&names.app);
    // One trace for each call of the server, and one for each run in the worker.
    let system =
        json!({"traceparent": parent(&hex::encode(entropy.bits().to_be_bytes()), entropy)});
    let TraceContext { parent: user, state } = TraceContext::of(&names);
    let user = json!({"traceparent": user, "tracestate": state});
    ExecutorRequest {
        request_id: names.request,
        account_id: ACCOUNT.to_owned(),
        env_id: ENVIRONMENT.to_owned(),
        app_id,
        app_name: names.app,
        function_id: names.function,
        function_slug: names.slug,
        step_id: Some(names.target),
        request_payload: body.into(),
        system_trace_ctx: system.to_string().into(),
        user_trace_ctx: user.to_string().into(),
        run_id: run,
        lease_id: String::new(),
        job_id: names.job,
    }
}

/// A `traceparent` of W3C with a new span.
fn parent(trace: &str, entropy: &mut dyn Entropy) -> String {
    let span = &hex::encode(entropy.bits().to_be_bytes())[..16];
    format!("00-{trace}-{span}-01")
}

/// What a reply means as an answer over HTTP.
pub(super) fn reply(response: SdkResponse) -> Reply {
    let status = match Status::try_from(response.status) {
        Ok(Status::Done) => 200,
        Ok(Status::NotCompleted) => 206,
        Ok(Status::Error) | Err(_) => 500,
    };
    Reply::Answered(Answer {
        status,
        sdk: true,
        version: i32::try_from(response.request_version).ok(),
        no_retry: response.no_retry,
        retry_after: response.retry_after,
        body: response.body,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::reply::Verdict;

    #[test]
    fn a_reply_means_the_same_as_over_http() {
        let of = |status: Status| SdkResponse {
            status: status.into(),
            request_version: 2,
            body: "[]".into(),
            ..SdkResponse::default()
        };
        let final_one = |status| SdkResponse { no_retry: true, ..of(status) };
        let after = |text: &str| SdkResponse {
            retry_after: Some(text.to_owned()),
            body: r#"{"name":"E","message":"m"}"#.into(),
            ..of(Status::Error)
        };
        for (response, expected) in [
            (of(Status::Done), "done []"),
            (final_one(Status::Done), "failed NonRetriableError Never"),
            (of(Status::NotCompleted), "0 ops, version 2, Again"),
            (
                SdkResponse { request_version: 0, ..of(Status::NotCompleted) },
                "0 ops, version 0, Again",
            ),
            (of(Status::Error), "failed Error Again"),
            (final_one(Status::Error), "failed NonRetriableError Never"),
            (after("3"), "failed Error After(3s)"),
            (after("1970-01-01T00:00:09Z"), "failed Error After(9s)"),
            (after("abc"), "failed Error Again"),
        ] {
            let told = match reply(response.clone()).verdict(Timestamp::UNIX_EPOCH) {
                Verdict::Done(data) => format!("done {data}"),
                Verdict::Ops { ops, version, retry } => {
                    format!("{} ops, version {version}, {retry:?}", ops.len())
                }
                Verdict::Failed { failure, retry } => format!("failed {} {retry:?}", failure.kind),
            };
            assert_eq!(told, expected, "{response:?}");
        }
    }
}
