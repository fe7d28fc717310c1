//! The program that asks Granola. Only functions with the limit of the account may run it.

use outside::{Program, is_name};
use system_bus_sdk::prelude::*;

use crate::events::{Meeting, Range};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait where Granola wants to be asked later.
const LATER: Duration = Duration::from_mins(2);
/// How much of a transcript is kept.
const LONGEST: usize = 200_000;

/// The meetings of a span of time.
pub(crate) async fn meetings(io: &Io, range: &Range) -> Result<Vec<Meeting>> {
    let (mut words, mut arguments) =
        (vec![&range.range], vec!["meetings", "--range", &range.range]);
    let nothing = String::new();
    if range.range == "custom" {
        let [start, end] = [&range.start, &range.end].map(|one| one.as_ref().unwrap_or(&nothing));
        words.extend([start, end]);
        arguments.extend(["--start", start, "--end", end]);
    }
    // What begins with `-` would be an option.
    if !words.into_iter().all(|word| is_name(word)) {
        let why = "a range has a name, and `custom` a start and an end";
        return Err(Error::stop(why).named("Invalid"));
    }
    let told = ask(io, arguments).await?;
    let found = told["meetings"].as_array().or(told.as_array());
    let found = found.ok_or_else(|| Error::retry("Granola lists no meetings").named("Granola"))?;
    Ok(found.iter().filter_map(meeting).collect())
}

/// What is known of a meeting, and when it was.
pub(crate) async fn details(io: &Io, id: &str) -> Result<Value> {
    ask(io, vec!["meeting", id]).await
}

/// What was said in a meeting.
pub(crate) async fn transcript(io: &Io, id: &str) -> Result<String> {
    let told = ask(io, vec!["meeting", id, "--transcript"]).await?;
    let said = if told["transcript"].is_null() { &told } else { &told["transcript"] };
    let text = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    // A short text that speaks of the limit is Granola's, and no transcript.
    if text.len() < 400 && is_limit(&text) {
        return Err(later(&text));
    }
    Ok(text.chars().take(LONGEST).collect())
}

/// Asks. Another code than 0, what is no JSON and what is not `ok` are failures.
async fn ask(io: &Io, arguments: Vec<&str>) -> Result<Value> {
    let program = Program::new("granola").args(arguments).env("TERM", "dumb").within(PATIENCE);
    let exit = program.exit(io).await?;
    let told: Value = serde_json::from_str(exit.stdout.trim()).unwrap_or_default();
    if exit.code == 0 && told["ok"] == true {
        return Ok(told["result"].clone());
    }
    let why = told["error"]["message"].as_str().or(told["error"].as_str()).unwrap_or(&exit.stderr);
    let why: String = why.trim().chars().take(400).collect();
    if is_limit(&why) {
        return Err(later(&why));
    }
    Err(Error::retry(format!("granola ended with the code {}: {why}", exit.code)).named("Granola"))
}

fn is_limit(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("rate limit") || text.contains("too many requests")
}

fn later(why: &str) -> Error {
    Error::retry_after(format!("Granola wants to be asked later: {why}"), LATER)
        .named("RateLimited")
}

/// A meeting of a list. One without an id that is a plain name cannot be asked for.
fn meeting(told: &Value) -> Option<Meeting> {
    let text = |name: &str| told[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let names = told["participants"].as_array().into_iter().flatten();
    Some(Meeting {
        meeting_id: text("id").filter(|id| is_name(id))?.to_owned(),
        title: text("title").unwrap_or("Untitled").to_owned(),
        date: text("date").map(str::to_owned),
        participants: names.filter_map(Value::as_str).map(str::to_owned).collect(),
        source: None,
    })
}
