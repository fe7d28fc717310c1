//! A file of settings: what variables of the environment and options say, in one place that can be kept and compared.
//!
//! A table for each command with its options, and `[inngest]` for the variables of the server:
//!
//! ```toml
//! [inngest]
//! base-url = "http://inngest:8288"
//!
//! [worker]
//! role = "cluster"
//! drain = "400s"
//! watch = false
//! ```
//!
//! What the command line says comes first, then the environment, then the file, then what stands for nothing being said. So
//! a setting of the file is a variable that is set where nobody has set it, and everything is parsed at one place.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Command;
use toml::{Table, Value};

/// What is wrong with a file of settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("the settings in {file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// It is no TOML, or no tables.
    #[error("{file} is no file of settings: {reason}")]
    NoTables {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A table or a setting that nobody knows.
    #[error("{file} has {what}, which nobody knows{}", nearest.as_ref().map_or(String::new(), |it| format!("; did you mean {it}?")))]
    Unknown {
        /// The file.
        file: String,
        /// The table or the setting.
        what: String,
        /// What it is most like.
        nearest: Option<String>,
    },
    /// A value that is no text, number, switch, or list of them.
    #[error("{what} in {file} is no text, number, true or false, or a list of them")]
    NoValue {
        /// The file.
        file: String,
        /// The setting.
        what: String,
    },
}

/// The variables of `INNGEST_…` that a file may set, without that beginning and in small letters.
const INNGEST: [&str; 14] = [
    "allow-in-band-sync",
    "api-base-url",
    "base-url",
    "connect-gateway-url",
    "connect-max-worker-concurrency",
    "dev",
    "env",
    "event-api-base-url",
    "event-key",
    "serve-host",
    "serve-origin",
    "serve-path",
    "signing-key",
    "signing-key-fallback",
];

/// The variables that a file sets for a command: its own table, the logs, and the server. Other commands' tables are checked
/// too: one file is for all of them.
pub(crate) fn variables(
    file: &Path,
    cli: &Command,
    command: &str,
) -> Result<BTreeMap<String, String>, FileError> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| FileError::Unreadable {
        file: shown.clone(),
        reason: error.to_string(),
    })?;
    parse(&text, &shown, cli, command)
}

fn parse(
    text: &str,
    file: &str,
    cli: &Command,
    command: &str,
) -> Result<BTreeMap<String, String>, FileError> {
    let no_tables = |reason: String| FileError::NoTables { file: file.to_owned(), reason };
    let tables: Table =
        text.parse().map_err(|error: toml::de::Error| no_tables(error.to_string()))?;
    let mut variables = BTreeMap::new();
    for (name, table) in &tables {
        let Value::Table(table) = table else {
            return Err(no_tables(format!(
                "{name} stands in no table; write it under [{command}]"
            )));
        };
        let known = known(cli, name).ok_or_else(|| FileError::Unknown {
            file: file.to_owned(),
            what: format!("the table [{name}]"),
            nearest: nearest(name, tables_of(cli)).map(|table| format!("[{table}]")),
        })?;
        for (key, value) in table {
            let what = || format!("{key} of [{name}]");
            let variable = known.get(key.as_str()).ok_or_else(|| FileError::Unknown {
                file: file.to_owned(),
                what: what(),
                nearest: nearest(key, known.keys().cloned()),
            })?;
            let value = words(value)
                .ok_or_else(|| FileError::NoValue { file: file.to_owned(), what: what() })?;
            if [command, "inngest", "log"].contains(&name.as_str()) {
                variables.insert(variable.clone(), value);
            }
        }
    }
    Ok(variables)
}

/// The tables there may be.
fn tables_of(cli: &Command) -> impl Iterator<Item = String> {
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
    commands
        .map(|command| command.get_name().to_owned())
        .chain(["inngest".to_owned(), "log".to_owned()])
}

/// The settings of a table, each with its variable; none where there is no such table.
fn known(cli: &Command, table: &str) -> Option<BTreeMap<String, String>> {
    let own = |command: &Command| -> BTreeMap<String, String> {
        let args = command.get_arguments();
        args.filter_map(|arg| {
            let variable = arg.get_env()?.to_str()?;
            Some((arg.get_long()?.to_owned(), variable.to_owned()))
        })
        .collect()
    };
    match table {
        "inngest" => {
            let of = |name: &&str| {
                let variable = format!("INNGEST_{}", name.replace('-', "_").to_uppercase());
                ((*name).to_owned(), variable)
            };
            Some(INNGEST.iter().map(of).collect())
        }
        "log" => Some(own(cli)),
        name => {
            let command = cli.find_subcommand(name).filter(|command| !command.is_hide_set());
            command.map(own).filter(|own| !own.is_empty())
        }
    }
}

/// A value as a variable has it.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(true) => Some("on".to_owned()),
        Value::Boolean(false) => Some("off".to_owned()),
        Value::Array(all) => {
            all.iter().map(words).collect::<Option<Vec<_>>>().map(|all| all.join(","))
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// What a word that nobody knows was perhaps meant to be.
fn nearest(word: &str, all: impl Iterator<Item = String>) -> Option<String> {
    let distance = |other: &String| strsim::damerau_levenshtein(word, other);
    all.min_by_key(distance).filter(|other| distance(other) <= 3)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
        parse(text, "settings.toml", &Cli::command(), "worker").map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_the_variables_of_their_options() {
        let text = r#"
            [inngest]
            base-url = "http://inngest:8288"
            [log]
            log-format = "json"
            [worker]
            role = "cluster"
            drain = "400s"
            watch = false
            keep-versions = 7
            neighbour = ["one", "two"]
            [gateway]
            listen = "127.0.0.1:9"
        "#;
        let wanted = [
            ("INNGEST_BASE_URL", "http://inngest:8288"),
            ("SYSTEM_BUS_DRAIN", "400s"),
            ("SYSTEM_BUS_KEEP_VERSIONS", "7"),
            ("SYSTEM_BUS_LOG_FORMAT", "json"),
            ("SYSTEM_BUS_NEIGHBOURS", "one,two"),
            ("SYSTEM_BUS_WATCH", "off"),
            ("WORKER_ROLE", "cluster"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(text), Ok(wanted.into()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
        for (text, part) in [
            ("role = \"host\"", "role stands in no table; write it under [worker]"),
            (
                "[wroker]\nrole = \"host\"",
                "the table [wroker], which nobody knows; did you mean [worker]?",
            ),
            (
                "[worker]\nroel = \"host\"",
                "roel of [worker], which nobody knows; did you mean role?",
            ),
            (
                "[worker]\nreplace = \"http://127.0.0.1:1\"",
                "replace of [worker], which nobody knows",
            ),
            (
                "[gateway]\nlisen = \"x\"",
                "lisen of [gateway], which nobody knows; did you mean listen?",
            ),
            ("[inngest]\nsigning-kye = \"x\"", "did you mean signing-key?"),
            ("[worker]\nrole = { a = 1 }", "role of [worker] in settings.toml is no text"),
            ("[worker", "is no file of settings"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn every_variable_of_the_server_is_one_that_is_read() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config");
        let sources =
            std::fs::read_dir(sources).expect("sources").map(|file| file.expect("a file").path());
        let text: String = sources
            .filter(|path| {
                path.extension().is_some_and(|it| it == "rs") && !path.ends_with("file.rs")
            })
            .map(|path| std::fs::read_to_string(path).expect("text"))
            .collect();
        for (key, variable) in known(&Cli::command(), "inngest").expect("a table") {
            assert!(text.contains(&format!("{variable:?}")), "{key}: {variable} is read by nobody");
        }
    }
}
