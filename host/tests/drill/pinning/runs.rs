//! Many runs of one function, and what their bodies have reported.

use std::collections::BTreeMap;

use futures::StreamExt;
use serde_json::json;

use super::Found;
use crate::stage::{Asked, Stage};

/// Runs that were asked for together.
pub(super) struct Runs {
    what: String,
    asked: Vec<Asked>,
}

/// The steps before the sleep, by the version that begins.
pub(super) const BEFORE: [&str; 2] = ["one", "two"];
/// The steps after it.
pub(super) const AFTER: [&str; 3] = ["three", "four", "five"];

impl Runs {
    /// Asks for so many runs of a function.
    pub(super) async fn ask(stage: &Stage, function: &str, count: usize, nap_ms: u128) -> Self {
        let names: Vec<_> = (0..count).map(|n| format!("{function}-{nap_ms}-{n}")).collect();
        let ask = names.iter().map(|name| stage.ask(function, name, nap_ms));
        let asked = futures::stream::iter(ask).buffered(16).collect().await;
        Self { what: function.to_owned(), asked }
    }

    /// Waits until this step of each of them has reported at least once.
    pub(super) async fn reached(&self, stage: &Stage, step: &str) {
        for one in &self.asked {
            stage.counter.reached(&one.name, step, 1).await;
        }
    }

    /// Waits for their ends. Each must have these reports, each once, and say the same as its result; `again` names a
    /// report that may be there more often, because its body failed.
    pub(super) async fn must_end(
        &self,
        stage: &Stage,
        steps: &[(&str, &str)],
        again: Option<&str>,
        found: &mut Found,
    ) {
        let what = &self.what;
        let expected: Vec<_> =
            steps.iter().map(|(version, step)| format!("{version}.{step}")).collect();
        let ended = stage.ended(&self.asked).await;
        let (mut right, mut twice) = (0, 0);
        for (asked, ended) in self.asked.iter().zip(ended) {
            let mut counts: BTreeMap<_, _> = stage.counter.counts(&asked.name);
            if let Some(again) = again {
                counts.remove(again);
            }
            twice += counts.values().filter(|count| **count > 1).count();
            let reported: Vec<_> = counts.keys().cloned().collect();
            let mut once = expected.clone();
            once.sort();
            if ended.status == "Completed" && ended.output == json!(expected) && reported == once {
                right += 1;
            } else {
                // One of them says enough.
                found.must(found.short.len() > 3, || {
                    format!(
                        "{}: {} with {}, and reported {counts:?}; it should have been {expected:?}",
                        asked.name, ended.status, ended.output
                    )
                });
            }
        }
        let all = self.asked.len();
        found.measured(&format!("{what}, as they should be"), format!("{right} of {all}"));
        found.measured(&format!("{what}, bodies run twice"), twice);
        found.must(right == all, || format!("{what}: only {right} of {all} are right"));
        found.must(twice == 0, || format!("{what}: {twice} bodies ran twice"));
    }
}
