//! The replay machine: whatever a guest reports, in whatever order, no step runs twice, none that was dropped or has ended
//! comes back, and ends come in the server's order. Where it has to prove first that the memo fits, nothing new happens
//! before every memo was asked for, each in its order.
//!
//! An input is lines. What the call has, wherever these stand:
//!
//! ```text
//! m NAME JSON     a memo, in the server's order of completion       u NAME JSON     a memo that is not in that order
//! t NAME          the step that the call targets                   p               no step may run at once
//! v NUMBER        the recorded execution version                   a NUMBER        how many attempts there were
//! s               what is new needs a proof                        S               a proof is all that is wanted
//! ```
//!
//! What happens, line by line:
//!
//! ```text
//! + KIND NAME OPTIONS   the guest finds a step      - ORDINAL     it drops one, both until the next `n`
//! n                     nothing can progress        r             it enters a race
//! f JSON                a body has succeeded        F TEXT        a body has failed
//! k JSON                its result is stored        P             no step may run at once from here on
//! e JSON                the function returns        E TEXT        the function fails
//! M ORDINAL TEXT        the memo of a step is of another type
//! ```

mod seen;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::directory::Directory;
use protocol::id::StepId;
use protocol::op::{ErrorObject, Retry, Timing};
use protocol::replay::{Found, Replay, Rigour};
use protocol::signature::{Trust, verify};
use serde_json::value::RawValue;

use self::seen::Seen;

/// More lines than a run has that tells anything new.
const LINES: usize = 300;

const TIMING: Timing = Timing { start: Timestamp::UNIX_EPOCH, took: Duration::from_millis(1) };

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<(&str, &str)> =
        text.lines().take(LINES).map(|line| line.split_once(' ').unwrap_or((line, ""))).collect();
    let call = Arc::new(call(&lines));
    let rigour = rigour(&lines);
    let stored: Vec<&(&str, &str)> =
        lines.iter().filter(|(what, _)| matches!(*what, "m" | "u")).collect();
    let ordered = stored.iter().filter(|(what, _)| *what == "m").count();
    let name = |rest: &'_ str| StepId::hash(rest.split_once(' ').map_or(rest, |(name, _)| name));
    let stored = stored.iter().map(|(_, rest)| name(rest)).collect();
    let mut seen = Seen::new(&call, rigour, stored, ordered);
    let own = "app".parse().expect("an id");
    let mut replay = Replay::new(Arc::clone(&call), Arc::new(Directory::new(own)), rigour);
    let (mut found, mut dropped) = (Vec::new(), Vec::new());
    for (what, rest) in lines {
        match what {
            "+" => {
                let mut words = rest.splitn(3, ' ');
                let mut word = || words.next().unwrap_or_default();
                let (kind, name, options) = (word(), word(), word());
                found.push(Found { name, kind, options });
            }
            "-" => dropped.extend(rest.parse::<u32>()),
            "n" => {
                seen.reported(&found, &dropped);
                seen.told(replay.next(found.drain(..), &dropped));
                dropped.clear();
            }
            "r" => {
                replay.enter_race();
                seen.raced = true;
            }
            "P" => {
                replay.plan_only();
                seen.planning = true;
            }
            "f" => {
                let Some(data) = raw(rest) else { continue };
                seen.ended(replay.finished(data, TIMING));
            }
            "F" => {
                let (error, retry) = failure(rest);
                seen.ended(replay.failed(error, retry, TIMING));
            }
            "k" => {
                let Some(data) = raw(rest) else { continue };
                seen.kept(rest, &replay.keep(data));
            }
            "e" => {
                let Some(data) = raw(rest) else { continue };
                seen.returned(replay.ended(Ok(data)));
                return;
            }
            "E" => {
                seen.returned(replay.ended(Err(failure(rest))));
                return;
            }
            "M" => {
                let (ordinal, why) = rest.split_once(' ').unwrap_or((rest, ""));
                let Ok(ordinal) = ordinal.parse() else { continue };
                seen.misfit(ordinal, replay.misfit(ordinal, why));
            }
            _ => {}
        }
        seen.agrees(&replay);
    }
}

/// How much has to be known before something new happens. The last line counts.
fn rigour(lines: &[(&str, &str)]) -> Rigour {
    let given = lines.iter().rev().find_map(|(what, _)| match *what {
        "s" => Some(Rigour::Strict),
        "S" => Some(Rigour::Proof),
        _ => None,
    });
    given.unwrap_or_default()
}

fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}

fn failure(text: &str) -> (ErrorObject, Retry) {
    let retry = match text.len() % 3 {
        0 => Retry::Again,
        1 => Retry::Never,
        _ => Retry::After(Duration::from_millis(text.len() as u64 * 997)),
    };
    (ErrorObject::parse(text), retry)
}

/// The call that the lines describe. Where one is described twice, the last line counts.
fn call(lines: &[(&str, &str)]) -> Call {
    let (mut memos, mut stack) = (Vec::new(), Vec::new());
    let (mut target, mut version, mut attempt, mut immediate) = (None, -1, 0, true);
    for &(what, rest) in lines {
        match what {
            "m" | "u" => {
                let (name, json) = rest.split_once(' ').unwrap_or((rest, "null"));
                let json = if raw(json).is_some() { json.trim() } else { "null" };
                let id = StepId::hash(name);
                memos.push(format!(r#""{id}":{json}"#));
                if what == "m" {
                    stack.push(format!(r#""{id}""#));
                }
            }
            "t" => target = Some(StepId::hash(rest)),
            "p" => immediate = false,
            "v" => version = rest.parse().unwrap_or(version),
            "a" => attempt = rest.parse::<u32>().unwrap_or(attempt),
            _ => {}
        }
    }
    let body = format!(
        r#"{{"ctx":{{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","attempt":{attempt},"disable_immediate_execution":{},
        "stack":{{"stack":[{}]}}}},"event":{{}},"steps":{{{}}},"version":{version}}}"#,
        !immediate,
        stack.join(","),
        memos.join(","),
    );
    let verified = verify(None, Bytes::from(body), Timestamp::UNIX_EPOCH, &Trust::Dev);
    let route = Route { slug: "app-f".to_owned(), target };
    Call::decode(route, &verified.expect("a development server is believed")).expect("a call")
}
