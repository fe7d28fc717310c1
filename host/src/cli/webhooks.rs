//! `webhooks`: what a gateway takes, what waits, and what could not be sent.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use reqwest::Method;
use serde_json::Value;

use crate::answer;
use crate::cli::Reach;
use crate::operate::{Answer, Operated};

/// What a gateway takes, what waits there, and what could not be sent.
#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The providers, what came of their deliveries, and what waits for the server
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// What the server will not take, and why
    Dead {
        #[command(flatten)]
        reach: Reach,
    },
    /// Send a dead letter again
    Replay {
        #[command(flatten)]
        reach: Reach,
        /// Its name, as `webhooks dead` tells it; `all` for each of them
        #[arg(value_name = "LETTER")]
        letter: String,
    },
}

impl Webhooks {
    pub(crate) fn name(&self) -> &'static str {
        match self.command {
            Command::List { .. } => "webhooks list",
            Command::Dead { .. } => "webhooks dead",
            Command::Replay { .. } => "webhooks replay",
        }
    }
}

pub(crate) async fn run(args: Webhooks, json: bool) -> anyhow::Result<ExitCode> {
    let name = args.name();
    match args.command {
        Command::List { reach } => {
            let state = Operated::new(&reach)?.get("api/webhooks").await?;
            Ok(answer::result(json, name, true, &state, &listed(&state)))
        }
        Command::Dead { reach } => {
            let dead = Operated::new(&reach)?.get("api/webhooks/dead").await?;
            Ok(answer::result(json, name, true, &dead, &letters(&dead)))
        }
        Command::Replay { reach, letter } => replay(&Operated::new(&reach)?, &letter, json).await,
    }
}

async fn replay(gateway: &Operated, wanted: &str, json: bool) -> anyhow::Result<ExitCode> {
    let wanted = if wanted == "all" {
        let dead = gateway.get("api/webhooks/dead").await?;
        list(&dead["letters"]).map(|letter| text(&letter["letter"])).collect()
    } else {
        vec![wanted.to_owned()]
    };
    let (mut told, mut words, mut ok) = (Vec::new(), String::new(), true);
    for letter in wanted {
        let path = format!("api/webhooks/dead/{letter}/replay");
        let said = match gateway.ask(gateway.request(Method::POST, &path)?).await? {
            Answer::Done(body) => {
                let _ = writeln!(words, "{letter}: {} waits to be sent again", text(&body["id"]));
                body
            }
            Answer::Conflict(said) | Answer::Busy(said) | Answer::Refused(said) => {
                ok = false;
                let _ = writeln!(words, "{letter}: {said}");
                serde_json::json!({ "ok": false, "letter": letter, "error": said })
            }
        };
        told.push(said);
    }
    if told.is_empty() {
        words.push_str("there are no dead letters");
    }
    Ok(answer::result(json, "webhooks replay", ok, &told, words.trim_end()))
}

fn listed(state: &Value) -> String {
    let mut table = Table::new();
    table.set_header([
        "provider",
        "path",
        "takes deliveries",
        "accepted",
        "other verdicts",
        "forwarded",
        "dead",
    ]);
    for provider in list(&state["providers"]) {
        let counted = &provider["counted"];
        let verdicts = counted["verdicts"].as_object();
        let others = verdicts.into_iter().flatten().filter(|(verdict, _)| *verdict != "accepted");
        let others: Vec<_> = others.map(|(verdict, count)| format!("{verdict} {count}")).collect();
        let takes = if provider["ready"] == true {
            if provider["insecure"] == true {
                "from everybody".to_owned()
            } else {
                "yes".to_owned()
            }
        } else {
            let secrets: Vec<_> = list(&provider["secrets"]).map(text).collect();
            format!("no: set {}", secrets.join(" or "))
        };
        table.add_row([
            text(&provider["name"]),
            text(&provider["path"]),
            takes,
            counted["verdicts"]["accepted"].as_u64().unwrap_or(0).to_string(),
            others.join(", "),
            counted["forwarded"].to_string(),
            counted["dead"].to_string(),
        ]);
    }
    let spool = &state["spool"];
    let mut words = format!(
        "{table}\nwaiting for the server: {} events, {} bytes",
        spool["events"], spool["bytes"]
    );
    if let Some(why) = spool["held"].as_str() {
        let _ = write!(words, "\nthe server takes nothing: {why}");
    }
    words
}

fn letters(dead: &Value) -> String {
    let mut table = Table::new();
    table.set_header(["letter", "provider", "event id", "died", "why"]);
    let mut any = false;
    for letter in list(&dead["letters"]) {
        any = true;
        table.add_row([
            text(&letter["letter"]),
            text(&letter["provider"]),
            text(&letter["id"]),
            text(&letter["died"]),
            text(&letter["why"]),
        ]);
    }
    if any {
        format!("{table}\nsend one again: system-bus webhooks replay LETTER")
    } else {
        "there are no dead letters".to_owned()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
