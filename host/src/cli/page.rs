//! `docs/commands.md`: what each command says of itself, word for word, so that a change of words is seen where it is looked at.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;

const HEAD: &str = "# Commands

What `system-bus help COMMAND` says, for each of them. Written by
`SYSTEM_BUS_WRITE_PAGES=1 cargo test --workspace --bin system-bus page`, and checked by the same test without the variable.

Every command takes `--json`: its standard output is then one object with `ok`, `command`, `result` and, where it failed, `error`.
The exit code is 0 where all is well, 1 where it is not, 2 where the command line is wrong; some commands have one more, which
they name. What is under way, and logs, go to the standard error.
";

/// The same on every machine: without what is set in the environment of this one.
fn plain(mut command: Command) -> Command {
    let below: Vec<_> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in below {
        command = command.mut_subcommand(name, plain);
    }
    command.mut_args(|arg| arg.hide_env_values(true)).term_width(100)
}

/// A command, and those below it.
fn write(page: &mut String, command: &mut Command, path: &str) {
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    // Writing to memory cannot fail.
    let _ = write!(page, "\n## `{path}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for below in command.get_subcommands_mut().filter(|below| !below.is_hide_set()) {
        if below.get_name() != "help" {
            let path = format!("{path} {}", below.get_name());
            write(page, below, &path);
        }
    }
}

fn page() -> String {
    let mut command = plain(Cli::command());
    command.build();
    let mut page = HEAD.to_owned();
    write(&mut page, &mut command, "system-bus");
    page
}

#[test]
fn the_page_of_commands_says_what_the_commands_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = page();
    if std::env::var("SYSTEM_BUS_WRITE_PAGES").is_ok_and(|set| set == "1") {
        std::fs::write(&file, &page).expect("written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = page.lines().zip(there.lines()).find(|(now, there)| now != there);
    let how =
        "write it anew with SYSTEM_BUS_WRITE_PAGES=1 cargo test --workspace --bin system-bus page";
    assert!(
        differs.is_none() && page.lines().count() == there.lines().count(),
        "docs/commands.md differs: {differs:?}; {how}"
    );
}

/// The lines of the fenced blocks of a page that call this program, with the variables before it taken away.
fn calls(page: &str) -> Vec<Vec<String>> {
    let mut fenced = false;
    let mut calls = Vec::new();
    for line in page.lines().map(str::trim_start) {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced && line.starts_with("system-bus ") {
            let line = line.trim_end_matches(" &");
            let mut words = Vec::new();
            // What stands in quotes is one word.
            for (at, part) in line.split('"').enumerate() {
                if at % 2 == 1 {
                    words.push(part.to_owned());
                } else {
                    words.extend(part.split_whitespace().map(str::to_owned));
                }
            }
            calls.push(words);
        }
    }
    calls
}

#[test]
fn every_command_of_the_playbooks_is_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operate");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("the playbooks") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let page = std::fs::read_to_string(&path).expect("text");
        for words in calls(&page) {
            use clap::Parser as _;

            let parsed = Cli::try_parse_from(&words);
            assert!(
                parsed.is_ok(),
                "{}: {}: {}",
                path.display(),
                words.join(" "),
                parsed.unwrap_err()
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} commands");
    assert_eq!(
        calls("```sh\nsystem-bus send a --data \"b c\" &\nls\n```\nsystem-bus x")[0].len(),
        5
    );
}
