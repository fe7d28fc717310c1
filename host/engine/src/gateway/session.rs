//! Session tokens: they show the gateway that whoever dials has asked the API for leave.

use std::time::Duration;

use jiff::Timestamp;
use protocol::signature::SigningKey;

/// Makes and checks session tokens. Both need nothing but the key, so a token outlives a restart of the engine.
#[derive(Debug, Clone)]
pub(super) struct Sessions {
    key: SigningKey,
    life: Duration,
}

impl Sessions {
    /// With the engine's key. An engine without one believes everybody, and so it does here: anybody can make a token.
    pub(super) fn new(key: Option<&SigningKey>, life: Duration) -> Self {
        let open = || SigningKey::parse("00").expect("two digits are a key");
        Self { key: key.cloned().unwrap_or_else(open), life }
    }

    /// A token that is good from now on for a life.
    pub(super) fn token(&self, now: Timestamp) -> String {
        let end = now.checked_add(self.life).unwrap_or(Timestamp::MAX).as_millisecond();
        format!("{end}.{}", self.seal(end))
    }

    /// Whether a token is ours and still good.
    pub(super) fn accepts(&self, token: &str, now: Timestamp) -> bool {
        let parts = token.split_once('.').and_then(|(end, seal)| Some((end.parse().ok()?, seal)));
        parts.is_some_and(|(end, seal)| now.as_millisecond() < end && self.seal(end) == seal)
    }

    fn seal(&self, end: i64) -> String {
        // The time of the signature is a part of it that stays the same; what counts is the end.
        let signature = self.key.sign(format!("session {end}").as_bytes(), Timestamp::UNIX_EPOCH);
        signature.rsplit('=').next().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_life_and_for_its_key() {
        let key = |text: &str| SigningKey::parse(text).expect("a key");
        let of = |key| Sessions::new(Some(&key), Duration::from_mins(5));
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let sessions = of(key("abcd"));
        let token = sessions.token(at(1_000));
        let later = sessions.token(at(9_000));
        for (token, now, good) in [
            (token.as_str(), 1_000, true),
            (&token, 1_299, true),
            (&token, 1_300, false),
            (&token.replacen("1300000", "9300000", 1), 1_000, false),
            (&format!("{token}0"), 1_000, false),
            (&later, 9_001, true),
            ("", 1_000, false),
            ("9300000.", 1_000, false),
        ] {
            assert_eq!(sessions.accepts(token, at(now)), good, "{token} {now}");
        }
        assert!(of(key("abcd")).accepts(&token, at(1_001)), "also after a restart");
        assert!(!of(key("dcba")).accepts(&token, at(1_001)));
    }
}
