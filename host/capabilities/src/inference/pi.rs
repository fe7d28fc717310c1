//! The command `pi`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::answer::{Failed, LARGEST, Said, excerpt};
use super::process::{Script, ScriptError};
use super::question::Question;

/// What the command is given of the worker's environment, and nothing else of it: no keys.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where programs are looked for.
    pub path: OsString,
    /// The folder where `pi` keeps what it needs.
    pub home: Option<OsString>,
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        Self { path: std::env::var_os("PATH").unwrap_or_default(), home: std::env::var_os("HOME") }
    }

    /// Where a program is: the given path, or the first of its name on the `PATH`.
    fn find(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(PathBuf::from(program));
        }
        let folders = std::env::split_paths(&self.path).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(program)).find(|path| path.is_file())
    }
}

/// The argument list for a question.
fn arguments(question: &Question, model: Option<&str>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["-p", "--no-session", "--no-extensions", "--no-tools"].map(OsString::from).into();
    if let Some(model) = model {
        arguments.extend(["--models".into(), model.into()]);
    }
    if let Some(system) = instructions(question) {
        arguments.extend(["--system-prompt".into(), system.into()]);
    }
    arguments
}

/// What the model is told before: `pi` has no word for a schema, so it is told in words.
fn instructions(question: &Question) -> Option<String> {
    let form = question
        .schema
        .as_ref()
        .map(|schema| format!("Answer with JSON only, of this JSON schema: {}", schema.as_json()));
    match (&question.system, form) {
        (Some(system), Some(form)) => Some(format!("{system}\n\n{form}")),
        (system, form) => form.or_else(|| system.clone()),
    }
}

/// Asks it. Dropping the future ends the command.
pub(super) async fn ask(
    environment: &Environment,
    program: Option<&str>,
    model: Option<&str>,
    question: &Question,
) -> Result<Said, Failed> {
    let name = program.unwrap_or("pi");
    let program = environment.find(name).ok_or_else(|| {
        Failed::Unavailable(format!(
            "there is no `{name}` on the worker's PATH: install it, or name another provider in \
             [[inference.providers]]"
        ))
    })?;
    let mut passed = vec![("PATH", environment.path.clone())];
    passed.extend(environment.home.clone().map(|home| ("HOME", home)));
    let script = Script {
        program: program.clone(),
        arguments: arguments(question, model),
        environment: passed,
        input: question.prompt.clone(),
        largest: LARGEST,
    };
    let ended = script.run().await.map_err(|error| unrun(&program, &error))?;
    if !ended.status.success() {
        return Err(Failed::Unavailable(format!(
            "{} ended with {}: {}",
            program.display(),
            ended.status,
            excerpt(&ended.errors)
        )));
    }
    Ok(Said {
        text: ended.output.trim().to_owned(),
        model: model.unwrap_or("default").to_owned(),
        usage: None,
    })
}

fn unrun(program: &Path, error: &ScriptError) -> Failed {
    let message = format!("{} {error}", program.display());
    match error {
        ScriptError::TooLarge(_) => Failed::Unfit(message),
        ScriptError::Start(_) | ScriptError::Io(_) => Failed::Unavailable(message),
    }
}
