//! Handing a call back: what the server is told about a call that this worker took and will not finish.

use crate::call::Terms;
use crate::id::StepId;
use crate::op::{ErrorObject, Op, Retry};
use crate::outcome::Outcome;
use crate::reply::Reply;

/// The reply that hurts the run least; none where every reply would hurt it.
///
/// A discovery call comes again at once and costs no attempt. A targeted call has no such way, because its step would
/// never be asked for again: it fails, and is repeated after a second, at the price of an attempt. On the last attempt
/// that failure would be final, so there is no reply; such a call has to finish.
///
/// `fresh` must be different each time: the server recognises a repeated request by it and would drop it silently.
///
/// ```
/// use protocol::call::{Attempt, Terms};
/// use protocol::handback::hand_back;
///
/// let terms = Terms { attempt: Attempt { number: 0, most: 5 }, version: 2 };
/// let reply = hand_back(None, terms, "01M81GXW71CEV7JQT6T4T8NAKZ", "the worker stops").unwrap();
/// assert_eq!(reply.status, 206);
/// ```
pub fn hand_back(
    target: Option<&StepId>,
    terms: Terms,
    fresh: &str,
    reason: &str,
) -> Option<Reply> {
    outcome(target, terms, fresh, reason).map(|outcome| Reply::of(outcome, terms))
}

/// [`hand_back`] before it is a reply.
pub fn outcome(
    target: Option<&StepId>,
    terms: Terms,
    fresh: &str,
    reason: &str,
) -> Option<Outcome> {
    match target {
        None => Some(Outcome::Planned(vec![Op::discovery_request(fresh)])),
        Some(_) if terms.attempt.is_last() => None,
        Some(step) => {
            let error = ErrorObject::new(
                "HandedBack",
                format!("{reason}; the step {step} is asked for again in a second"),
            );
            let retry = Retry::After(std::time::Duration::from_secs(1));
            Some(Outcome::Failed { error, retry })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Attempt;

    const FIRST: Terms = Terms { attempt: Attempt { number: 0, most: 2 }, version: 2 };
    const LAST: Terms = Terms { attempt: Attempt { number: 1, most: 2 }, version: 2 };

    #[test]
    fn a_discovery_call_costs_nothing_and_never_repeats_its_id() {
        for terms in [FIRST, LAST] {
            let one = hand_back(None, terms, "a", "stopping").expect("a reply");
            let other = hand_back(None, terms, "b", "stopping").expect("a reply");
            assert_eq!((one.status, one.no_retry, one.retry_after), (206, None, None));
            assert_ne!(one.body, other.body);
            let ops: serde_json::Value = serde_json::from_slice(&one.body).expect("JSON");
            assert_eq!(ops.as_array().map(Vec::len), Some(1));
            assert_eq!(ops[0]["op"], "DiscoveryRequest");
            assert_eq!(ops[0]["id"].as_str().map(str::len), Some(40));
        }
    }

    #[test]
    fn a_targeted_call_is_never_asked_to_be_discovered_and_its_last_attempt_never_fails() {
        let step = StepId::hash("a");
        let reply = hand_back(Some(&step), FIRST, "x", "stopping").expect("a reply");
        assert_eq!((reply.status, reply.no_retry, reply.retry_after), (500, Some(false), Some(1)));
        let text = String::from_utf8(reply.body).expect("text");
        assert!(text.contains("stopping") && text.contains(&step.to_string()), "{text}");
        assert_eq!(hand_back(Some(&step), LAST, "x", "stopping"), None);
    }
}
