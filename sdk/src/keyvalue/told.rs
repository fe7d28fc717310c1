//! What the host's errors mean: `wasi:keyvalue` has one case for most of them, whose text begins with the reason.

use crate::refusal::{Reason, Refused};

/// The refusal that a text of the host tells. A host that names no reason has failed.
#[cfg_attr(not(any(test, target_family = "wasm")), expect(dead_code, reason = "components only"))]
pub(super) fn refusal(text: String) -> Refused {
    let known = text.split_once(": ").and_then(|(word, message)| Some((reason(word)?, message)));
    match known {
        Some((reason, message)) => Refused::new(reason, message),
        None => Refused::new(Reason::Failed, text),
    }
}

fn reason(word: &str) -> Option<Reason> {
    Some(match word {
        "invalid" => Reason::Invalid,
        "missing" => Reason::Missing,
        "conflict" => Reason::Conflict,
        "exhausted" => Reason::Exhausted,
        "unavailable" => Reason::Unavailable,
        "late" => Reason::Late,
        "failed" => Reason::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_first_word_of_a_text_or_none() {
        for (text, reason, message) in [
            ("invalid: a key has bytes", Reason::Invalid, "a key has bytes"),
            ("missing: gone", Reason::Missing, "gone"),
            ("conflict: other", Reason::Conflict, "other"),
            ("exhausted: the bucket: full", Reason::Exhausted, "the bucket: full"),
            ("unavailable: down", Reason::Unavailable, "down"),
            ("late: slow", Reason::Late, "slow"),
            ("failed: broken", Reason::Failed, "broken"),
            ("of another host: broken", Reason::Failed, "of another host: broken"),
            ("late", Reason::Failed, "late"),
            ("", Reason::Failed, ""),
        ] {
            let refused = refusal(text.to_owned());
            assert_eq!((refused.reason(), refused.message()), (reason, message), "{text}");
        }
    }
}
