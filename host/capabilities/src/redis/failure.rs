//! What went wrong with the server, in words for guests: no values, no passwords.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::bindings::system_bus::durable::refusals::Reason;
use crate::refusal::Refusal;

/// How the scripts of this crate begin the error for what is too large; what was is said behind it.
pub(super) const TOO_LARGE: &str = "TOOLARGE";

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The server answered: the connection is good, and the answer is an error.
    Answered,
    /// The command certainly did not reach it, or was turned away unread: it may be sent again.
    Again,
    /// The connection is gone. Whether the command was carried out is not known.
    Lost,
}

impl Next {
    pub(super) fn of(error: &RedisError) -> Self {
        if error.is_connection_refusal() {
            return Self::Again;
        }
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::BusyLoading) => Self::Again,
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType => {
                Self::Answered
            }
            _ => Self::Lost,
        }
    }
}

/// The server's own words, without what its scripts add to them.
pub(super) fn words(error: &RedisError) -> String {
    let said = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        // The system's words, or those of TLS.
        (None, _) if error.is_io_error() => error.to_string(),
        (None, _) => error.category().to_owned(),
    };
    let own = said.split(" script: ").next().unwrap_or_default();
    own.chars().take(200).collect()
}

/// What is wrong with the server's certificate, where that is why there is no connection.
pub(super) fn untrusted(error: &RedisError) -> Option<String> {
    let said = error.to_string();
    said.contains("invalid peer certificate").then_some(said)
}

/// What was too large, where that is why a script refused.
pub(super) fn too_large(error: &RedisError) -> Option<String> {
    let ours = error.code() == Some(TOO_LARGE);
    ours.then(|| error.detail().unwrap_or("an answer").to_owned())
}

/// The refusal for an error that stays.
pub(super) fn refusal(server: &str, error: &RedisError) -> Refusal {
    let words = words(error);
    match Next::of(error) {
        Next::Answered => {
            let message = format!("Redis at {server} answered with an error: {words}");
            let reason = match error.kind() {
                ErrorKind::Server(ServerErrorKind::ReadOnly) => Reason::Unavailable,
                _ => Reason::Failed,
            };
            Refusal::new(reason, message)
        }
        Next::Again => Refusal::unavailable(format!(
            "Redis at {server} cannot be reached ({words}): nothing was done; try again later"
        )),
        Next::Lost if untrusted(error).is_some() => Refusal::unavailable(format!(
            "Redis at {server} is not who it should be ({words}): nothing was done; see `url` and `ca` of `[redis]` in the \
             grants"
        )),
        Next::Lost if error.kind() == ErrorKind::AuthenticationFailed => {
            Refusal::unavailable(format!(
                "Redis at {server} does not take the password: see `password_env` of `[redis]` in the grants"
            ))
        }
        Next::Lost => Refusal::unavailable(format!(
            "the connection to Redis at {server} was lost ({words}): whether the command was carried out is not known"
        )),
    }
}

/// The refusal for what took too long.
pub(super) fn late(server: &str, within: Duration) -> Refusal {
    Refusal::new(
        Reason::Late,
        format!(
            "Redis at {server} did not answer within {within:?}: whether the command was carried out is not known; \
             `within` of `[redis]` in the grants is how long it may take"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn each_error_has_its_reason() {
        let io = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        let said = |code: &str, detail: &str| {
            redis::make_extension_error(code.to_owned(), Some(detail.to_owned()))
        };
        for (error, next, reason) in [
            (io(io::ErrorKind::ConnectionRefused), Next::Again, Reason::Unavailable),
            (io(io::ErrorKind::BrokenPipe), Next::Lost, Reason::Unavailable),
            (io(io::ErrorKind::UnexpectedEof), Next::Lost, Reason::Unavailable),
            ((ErrorKind::AuthenticationFailed, "no").into(), Next::Lost, Reason::Unavailable),
            (said("WRONGTYPE", "Operation"), Next::Answered, Reason::Failed),
        ] {
            assert_eq!(Next::of(&error), next, "{error}");
            assert!(refusal("here:1", &error).reason == reason, "{error}");
        }
    }

    #[test]
    fn the_words_are_the_servers_own() {
        let detail = "Operation against a key script: 7f3a, on @user_script:20.".to_owned();
        let error = redis::make_extension_error("WRONGTYPE".to_owned(), Some(detail));
        assert_eq!(words(&error), "WRONGTYPE Operation against a key");
        let long = redis::make_extension_error("ERR".to_owned(), Some("x".repeat(9000)));
        assert_eq!(words(&long).len(), 200);
    }
}
