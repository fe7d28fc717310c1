//! Pushing `main`. That it fails is an answer: the work is merged, and a person can push.

use system_bus_sdk::prelude::*;

use crate::git::{git, last_words, said};
use crate::place::Place;

/// What a push ends with that went well.
pub(crate) const PUSHED: &str = "pushed";

/// Pushes `main` to where the checkout came from, to GitHub with a token.
pub(crate) async fn to_remote(io: &Io, place: &Place) -> Result<String> {
    let origin = match said(io, git(place, ["remote", "get-url", "origin"])).await {
        Ok(origin) => origin,
        Err(error) => return Ok(failed(&error)),
    };
    let push = match https(&origin) {
        // Git asks its helper for a password, which reads this variable. An argument would be seen by everybody.
        Some(url) => match outside::token(io, &place.secret) {
            Ok(token) => git(place, ["push", "-q", &url, "main"]).env("GITHUB_TOKEN", token),
            Err(refused) => return Ok(failed(&refused)),
        },
        None => git(place, ["push", "-q", "origin", "main"]),
    };
    match push.exit(io).await {
        Ok(exit) if exit.code == 0 => Ok(PUSHED.to_owned()),
        Ok(exit) => Ok(failed(&last_words(&exit.stderr))),
        Err(error) => Ok(failed(&error)),
    }
}

fn failed(why: &impl std::fmt::Display) -> String {
    format!("push_failed: {why}")
}

/// The address of a repository of GitHub to which a token can be given; none for other places.
fn https(origin: &str) -> Option<String> {
    let forms = ["git@github.com:", "ssh://git@github.com/", "https://github.com/"];
    let path = forms.iter().find_map(|form| origin.strip_prefix(form))?;
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    Some(format!("https://github.com/{path}.git"))
}

#[cfg(test)]
mod tests {
    use super::https;

    #[test]
    fn only_github_is_given_a_token() {
        let address = Some("https://github.com/o/r.git");
        for (origin, found) in [
            ("git@github.com:o/r.git", address),
            ("ssh://git@github.com/o/r", address),
            ("https://github.com/o/r/", address),
            ("https://github.com.example/o/r", None),
            ("git@gitlab.com:o/r.git", None),
            ("/srv/git/r.git", None),
        ] {
            assert_eq!(https(origin).as_deref(), found, "{origin}");
        }
    }
}
