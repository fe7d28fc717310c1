//! What is printed: words for people, one object for programs, progress on the standard error.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this is where the program speaks")]

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::Ended;

/// Something is under way.
pub(crate) fn progress(words: &str) {
    eprintln!("• {words}");
}

/// The command is done.
pub(crate) fn done(json: bool, command: &str, result: &Value, words: &str) {
    if json {
        println!("{}", json!({"ok": true, "command": command, "result": result}));
    } else {
        println!("{words}");
    }
}

/// The command has failed: 1, or 3 where nobody knows what runs now.
pub(crate) fn ended(json: bool, command: &str, ended: &Ended) -> ExitCode {
    let (error, code) = match ended {
        Ended::Failed(error) => (error, 1),
        Ended::Unknown(error) => (error, 3),
    };
    let message = format!("{error:#}");
    if json {
        let error = json!({"message": message});
        println!("{}", json!({"ok": false, "command": command, "result": null, "error": error}));
    } else {
        eprintln!("error: {message}");
    }
    ExitCode::from(code)
}

/// The command line says nothing that can be done, or asks for help.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // A terminal that has gone away reads nothing.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
