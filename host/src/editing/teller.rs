//! Where news go: to a terminal with a panel at its bottom, or as plain lines, or as one JSON object a line.

use std::io::IsTerminal;

use engine::Activity;
use jiff::Timestamp;
use serde_json::Value;

use super::news::News;
use super::panel::Panel;
use crate::answer;
use crate::local::show;
use crate::terminal::{self, Bottom};

/// Tells what happens.
pub(crate) struct Teller {
    json: bool,
    began: Timestamp,
    panel: Panel,
    bottom: Option<Bottom>,
}

impl Teller {
    /// A panel is shown on a terminal, unless somebody asked for JSON.
    pub(crate) fn new(json: bool, panel: bool) -> Self {
        let shown = panel && !json && std::io::stderr().is_terminal();
        Self {
            json,
            began: Timestamp::now(),
            panel: Panel::new(),
            bottom: shown.then(Bottom::open),
        }
    }

    /// Whether what the compiler says may have colours.
    pub(crate) fn colours(&self) -> bool {
        self.bottom.is_some()
    }

    /// Something about the code.
    pub(crate) fn tell(&mut self, news: &News) {
        self.note(news);
        if self.json {
            answer::ready(true, news, "");
            return;
        }
        let words = news.words();
        match (news, &self.bottom) {
            // On a terminal the panel says it, and forgets it.
            (News::Building { .. } | News::Compiled { .. } | News::Ended, Some(_)) => {}
            _ => terminal::line(&words),
        }
        self.draw();
    }

    /// Something in the engine.
    pub(crate) fn activity(&mut self, activity: &Activity) {
        self.panel.take(activity);
        if self.json {
            answer::ready(true, activity, "");
        } else if let Some(line) = show::line(activity, self.began) {
            terminal::line(&line);
        }
    }

    /// Events can be sent from now on.
    pub(crate) fn up(&mut self, up: &Value, address: String, words: &str) {
        self.panel.address = address;
        terminal::aside(|| answer::ready(self.json, up, words));
        self.draw();
    }

    /// Something beside all of that, for people.
    pub(crate) fn line(&self, words: &str) {
        if !self.json {
            terminal::line(words);
        }
    }

    /// Brings the panel up to date: times go on though nothing happens.
    pub(crate) fn draw(&self) {
        if let Some(bottom) = &self.bottom {
            let (width, height) = Bottom::size();
            bottom.show(&self.panel.lines(Timestamp::now(), width.saturating_sub(1), height));
        }
    }

    fn note(&mut self, news: &News) {
        let panel = &mut self.panel;
        match news {
            News::Building { .. } => {
                panel.state = news.words();
                panel.building = Some(Timestamp::now());
            }
            News::Compiled { .. } => panel.state = format!("• building:{}", news.words()),
            News::Ended => {}
            News::Refused { errors, reason, .. } => {
                let place = |error: &super::news::Error| match &error.place {
                    Some(place) => format!("{place}: {}", error.message),
                    None => error.message.clone(),
                };
                panel.errors = errors.iter().map(place).collect();
                if errors.is_empty() {
                    panel.errors.extend(reason.lines().next().map(str::to_owned));
                }
                panel.settle(news);
            }
            News::Reloaded(_) | News::Failed { .. } => {
                panel.errors.clear();
                panel.settle(news);
            }
        }
    }
}

impl Panel {
    /// The build is over; what it came to is the last line of what was told.
    fn settle(&mut self, news: &News) {
        self.building = None;
        news.words().lines().last().unwrap_or_default().clone_into(&mut self.state);
    }
}
