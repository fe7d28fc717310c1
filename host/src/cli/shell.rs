//! `completions` and `man`: what a shell and a manual know of the commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use super::Cli;
use crate::answer;

/// The name of the program.
const NAME: &str = "system-bus";

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder to write the pages to, one for each command
    #[arg(long, value_name = "DIR", default_value = "man/man1")]
    pub(crate) out: PathBuf,
}

/// Prints the script that a shell reads to complete commands.
pub(crate) fn completions(args: &Completions, json: bool) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let result = json!({ "shell": args.shell.to_string(), "script": script });
    answer::result(json, "completions", true, &result, script.trim_end())
}

/// Writes the pages of the manual.
pub(crate) fn man(args: &Man, json: bool) -> anyhow::Result<ExitCode> {
    let out = &args.out;
    let what = || format!("the pages cannot be written to {}", out.display());
    std::fs::create_dir_all(out).with_context(what)?;
    clap_mangen::generate_to(Cli::command(), out).with_context(what)?;
    let pages = std::fs::read_dir(out).with_context(what)?.count();
    let words = format!(
        "{pages} pages in {}; read one with `man {}/{NAME}.1`",
        out.display(),
        out.display()
    );
    Ok(answer::result(json, "man", true, &json!({ "folder": out, "pages": pages }), &words))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn each_shell_and_the_manual_know_the_commands() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), NAME, &mut script);
            let script = String::from_utf8_lossy(&script);
            assert!(script.contains("rollback") && script.contains("generations"), "{shell}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        clap_mangen::generate_to(Cli::command(), folder.path()).expect("written");
        let page = std::fs::read_to_string(folder.path().join("system-bus-worker.1"));
        let page = page.expect("a page");
        assert!(page.contains("Serve a folder of components"), "{page}");
        // What is for the program itself is in no manual.
        assert!(!folder.path().join("system-bus-compile.1").exists());
    }
}
