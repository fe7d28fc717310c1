//! What a command says at its end: words for people, or one JSON object for programs.

#![expect(clippy::print_stderr, reason = "this is where the program speaks")]

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::terminal;

#[derive(Serialize)]
struct Envelope<'a, T> {
    ok: bool,
    command: &'a str,
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

#[derive(Serialize)]
struct Fault {
    message: String,
}

/// The command has failed: exit code 1, and why.
pub(crate) fn failed(json: bool, command: &str, error: &anyhow::Error) -> ExitCode {
    let message = format!("{error:#}");
    if json {
        let envelope =
            Envelope::<()> { ok: false, command, result: None, error: Some(Fault { message }) };
        print_line(&to_json(&envelope));
    } else {
        eprintln!("error: {message}");
    }
    ExitCode::FAILURE
}

/// The command line says nothing that can be done, or asks for help: exit code 2, or 0. A program that asked for JSON gets
/// the fault as JSON.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let asked = std::env::args_os().skip(1).take_while(|word| word != "--").any(|w| w == "--json");
    if asked && error.use_stderr() {
        let said = error.render().to_string();
        let message = said.trim().trim_start_matches("error: ").to_owned();
        let command = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
        let command = command.as_deref().unwrap_or_default();
        let envelope =
            Envelope::<()> { ok: false, command, result: None, error: Some(Fault { message }) };
        print_line(&to_json(&envelope));
    } else {
        // A terminal that has gone away reads nothing.
        drop(error.print());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The command has a result; `ok` decides the exit code. `words` is what people read.
pub(crate) fn result<T: Serialize>(
    json: bool,
    command: &str,
    ok: bool,
    result: &T,
    words: &str,
) -> ExitCode {
    if json {
        print_line(&to_json(&Envelope { ok, command, result: Some(result), error: None }));
    } else {
        print_line(words);
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A server is up: one line for people, or one JSON object on one line, so that a program can wait for it.
pub(crate) fn ready<T: Serialize>(json: bool, result: &T, words: &str) {
    if json {
        print_line(&serde_json::to_string(result).unwrap_or_default());
    } else {
        print_line(words);
    }
}

/// Something is under way. Never on the standard output.
pub(crate) fn progress(words: &str) {
    terminal::line(words);
}

/// A line on the standard output. Whoever read it may have gone away, as `head` does: what was asked for is done all the
/// same, and its exit code says so.
pub(crate) fn print_line(words: &str) {
    drop(writeln!(std::io::stdout(), "{words}"));
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
