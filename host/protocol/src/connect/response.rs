//! A reply → the response frame.

use prost::Message;

use super::LARGEST_FRAME;
use super::frames::{ConnectMessage, Kind, SdkResponse, Status};
use super::request::Envelope;
use crate::op::{ErrorObject, Retry};
use crate::outcome::Outcome;
use crate::reply::Reply;
use crate::step::StepName;
use crate::{REQUEST_VERSION, SDK};

/// What the frame around a response takes beside it, at most: the kind, two tags and a length.
const FRAMING: usize = 16;

impl Envelope {
    /// The response to this request.
    ///
    /// A reply that no frame can carry becomes an error that says so: sent as it is, it would end the connection and
    /// with it everything else that runs. Nothing would be different the next time, so that error is final; under a
    /// targeted step the function can catch it.
    pub fn respond(&self, reply: Reply) -> SdkResponse {
        let response = self.carry(reply);
        let size = response.encoded_len() + FRAMING;
        if size <= LARGEST_FRAME {
            return response;
        }
        let error = ErrorObject::new(
            "ReplyTooLarge",
            format!(
                "the reply of {} takes {size} bytes, and a frame of Connect carries {LARGEST_FRAME}; \
                 store large values elsewhere and return references to them",
                self.slug()
            ),
        );
        let outcome = match self.route().ok().and_then(|route| route.target) {
            Some(id) => {
                let step = StepName { id, name: id.to_string(), index: 0 };
                let retry = Retry::Never;
                Outcome::StepFailed { step, race: false, error, retry, timing: None }
            }
            None => Outcome::Failed { error, retry: Retry::Never },
        };
        self.carry(Reply::of(outcome, self.terms()))
    }

    fn carry(&self, reply: Reply) -> SdkResponse {
        let status = match reply.status {
            206 => Status::NotCompleted,
            200..=299 => Status::Done,
            _ => Status::Error,
        };
        let of = self.request.clone();
        SdkResponse {
            request_id: of.request_id,
            account_id: of.account_id,
            env_id: of.env_id,
            app_id: of.app_id,
            status: status.into(),
            body: reply.body.into(),
            no_retry: reply.no_retry.unwrap_or(false),
            retry_after: reply.retry_after.map(|seconds| seconds.to_string()),
            sdk_version: SDK.to_owned(),
            // What the run is recorded with is echoed; only a reply that knows no version has the newest.
            request_version: u32::try_from(reply.version).unwrap_or(REQUEST_VERSION.unsigned_abs()),
            system_trace_ctx: of.system_trace_ctx,
            user_trace_ctx: of.user_trace_ctx,
            run_id: of.run_id,
        }
    }
}

/// The frame of a response.
pub fn frame(response: &SdkResponse) -> ConnectMessage {
    ConnectMessage::around(Kind::WorkerReply, response)
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;
    use crate::id::StepId;

    fn reply(status: u16, no_retry: Option<bool>, retry_after: Option<u64>) -> Reply {
        Reply { status, no_retry, retry_after, version: 1, body: b"[1]".to_vec() }
    }

    #[test]
    fn statuses_map_as_the_gateway_reads_them() {
        for (reply, status, no_retry, retry_after) in [
            (reply(200, None, None), Status::Done, false, None),
            (reply(206, None, None), Status::NotCompleted, false, None),
            (reply(206, Some(true), None), Status::NotCompleted, true, None),
            (reply(206, Some(false), Some(3)), Status::NotCompleted, false, Some("3")),
            (reply(400, Some(true), None), Status::Error, true, None),
            (reply(500, Some(false), Some(1)), Status::Error, false, Some("1")),
        ] {
            let envelope = request("r", None).envelope;
            let sent = envelope.respond(reply.clone());
            assert_eq!(sent.status(), status, "{reply:?}");
            assert_eq!(
                (sent.no_retry, sent.retry_after.as_deref()),
                (no_retry, retry_after),
                "{reply:?}"
            );
            assert_eq!((sent.request_version, sent.sdk_version.as_str()), (1, SDK));
            assert_eq!(&*sent.body, b"[1]");
            assert_eq!(sent.system_trace_ctx, envelope.ack().system_trace_ctx);
        }
    }

    #[test]
    fn a_reply_that_no_frame_carries_becomes_an_error_that_says_what_to_do() {
        let big = |bytes: usize| Reply { body: vec![b'1'; bytes], ..reply(206, None, None) };
        let small_enough = request("r", None).envelope.respond(big(LARGEST_FRAME - 1_000));
        assert!(frame(&small_enough).encoded_len() <= LARGEST_FRAME);
        assert_eq!(small_enough.body.len(), LARGEST_FRAME - 1_000);

        let discovery = request("r", None).envelope.respond(big(LARGEST_FRAME));
        assert_eq!((discovery.status(), discovery.no_retry), (Status::Error, true));
        let text = String::from_utf8(discovery.body.to_vec()).expect("text");
        assert!(text.contains("8388608") && text.contains("references"), "{text}");

        let step = StepId::hash("a").to_string();
        let targeted = request("r", Some(&step)).envelope.respond(big(LARGEST_FRAME));
        assert_eq!((targeted.status(), targeted.no_retry), (Status::NotCompleted, true));
        let text = String::from_utf8(targeted.body.to_vec()).expect("text");
        assert!(text.contains("StepFailed") && text.contains(&step), "{text}");
    }
}
