//! What the edit loop tells: for people in words, for programs as one JSON object a line, with its kind as `what`.

use std::fmt::Write as _;
use std::time::Duration;

use builder::Finding;
use registry::Verdict;
use serde::Serialize;

/// One thing to tell.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum News {
    /// A build begins.
    Building {
        /// What was saved, or nothing for the first build.
        saved: Vec<String>,
    },
    /// A package is compiled.
    Compiled {
        /// Its name.
        name: String,
    },
    /// A build was ended, since more was saved.
    Ended,
    /// The compiler refuses the code.
    Refused {
        /// Its errors.
        errors: Vec<Error>,
        /// What cargo says, where there are none.
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
        /// Whether the code before it goes on serving.
        serving: bool,
    },
    /// New code was looked at, and serves unless it was refused.
    Reloaded(Reloaded),
    /// Something else keeps new code from serving.
    Failed {
        /// What.
        reason: String,
        /// Whether the code before it goes on serving.
        serving: bool,
    },
}

/// An error of the compiler.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Error {
    /// Where, as `src/lib.rs:12:5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    /// In a few words.
    pub(crate) message: String,
    /// As the compiler shows it.
    pub(crate) rendered: String,
}

/// What became of new code.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Reloaded {
    /// Whether nothing was refused.
    pub(crate) ok: bool,
    /// What became of each component that is not as it was.
    pub(crate) components: Vec<Component>,
    /// The generation that serves now.
    pub(crate) generation: u64,
    /// How long it took.
    pub(crate) took: Took,
    /// What the compiler warns of, rendered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// What became of a component.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// From saving to serving, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Took {
    /// From the last save to the start of the build: hearing of it, and waiting for quiet. None where nobody saved.
    pub(crate) noticed: Option<Duration>,
    /// Cargo.
    pub(crate) built: Duration,
    /// Writing the component to its folder.
    pub(crate) placed: Duration,
    /// From there until runs have it: compiled to machine code, checked, swapped, and registered where that changed.
    pub(crate) activated: Duration,
}

impl Took {
    /// Everything but the build.
    pub(crate) fn rest(self) -> Duration {
        self.noticed.unwrap_or_default() + self.placed + self.activated
    }

    /// All of it.
    pub(crate) fn total(self) -> Duration {
        self.built + self.rest()
    }
}

impl Serialize for Took {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut all = to.serialize_struct("Took", 6)?;
        for (name, part) in [
            ("noticed_ms", self.noticed.unwrap_or_default()),
            ("built_ms", self.built),
            ("placed_ms", self.placed),
            ("activated_ms", self.activated),
            ("rest_ms", self.rest()),
            ("total_ms", self.total()),
        ] {
            all.serialize_field(name, &millis(part))?;
        }
        all.end()
    }
}

impl News {
    /// The compiler, or cargo, refuses the code.
    pub(crate) fn refused(findings: Vec<Finding>, said: String, serving: bool) -> Self {
        let reason = if findings.is_empty() { said } else { String::new() };
        let errors = findings.into_iter();
        let error =
            |one: Finding| Error { place: one.place, message: one.message, rendered: one.rendered };
        Self::Refused { errors: errors.map(error).collect(), reason, serving }
    }

    /// In words: one line or several.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Building { saved } if saved.is_empty() => "• building".to_owned(),
            Self::Building { saved } => format!("• building: {} saved", were(saved)),
            Self::Compiled { name } => format!("  compiled {name}"),
            Self::Ended => "• more was saved: the build is begun anew".to_owned(),
            Self::Refused { errors, reason, serving } => {
                let rendered: Vec<_> = errors.iter().map(|error| error.rendered.as_str()).collect();
                let shown = if errors.is_empty() { reason.clone() } else { rendered.join("\n\n") };
                let count = match errors.len() {
                    0 => "cargo cannot build it".to_owned(),
                    1 => "1 error".to_owned(),
                    more => format!("{more} errors"),
                };
                format!("{shown}\n\n✗ not built: {count}; {}", fallback(*serving))
            }
            Self::Reloaded(reloaded) => reloaded.words(),
            Self::Failed { reason, serving } => format!("✗ {reason}; {}", fallback(*serving)),
        }
    }
}

impl Reloaded {
    fn words(&self) -> String {
        let mut words = String::new();
        for warning in &self.warnings {
            words.push_str(warning);
            words.push_str("\n\n");
        }
        let of = |verdict: Verdict| {
            let names = self.components.iter().filter(move |one| one.verdict == verdict);
            names.map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        // Writing to memory cannot fail.
        for one in self.components.iter().filter(|one| one.verdict.is_refusal()) {
            let (name, reason) = (&one.name, one.reason.as_deref().unwrap_or("it is refused"));
            let stays = fallback(one.verdict == Verdict::CarriedOver);
            let _ = writeln!(words, "✗ {name} is built and refused: {reason}; {stays}");
        }
        let (activated, removed) = (of(Verdict::Activated), of(Verdict::Removed));
        if !removed.is_empty() {
            let _ = writeln!(words, "• {removed} has no source any more and is gone");
        }
        if activated.is_empty() {
            if words.is_empty() {
                let _ = write!(
                    words,
                    "• nothing new: what was built is what serves ({})",
                    self.took.words()
                );
            }
        } else {
            let _ = write!(
                words,
                "✓ {activated} at generation {}: {}",
                self.generation,
                self.took.words()
            );
        }
        words.trim_end().to_owned()
    }
}

impl Took {
    fn words(self) -> String {
        let (built, placed, activated) =
            (millis(self.built), millis(self.placed), millis(self.activated));
        match self.noticed {
            Some(noticed) => format!(
                "saved → serving in {} ms; built in {built} ms, the rest {} ms (noticed in {}, placed in {placed}, activated in {activated})",
                millis(self.total()),
                millis(self.rest()),
                millis(noticed)
            ),
            None => {
                format!("built in {built} ms, placed in {placed} ms, activated in {activated} ms")
            }
        }
    }
}

fn fallback(serving: bool) -> &'static str {
    if serving { "the code before it goes on serving" } else { "nothing serves yet" }
}

/// Some names, and the verb that fits their number.
fn were(names: &[String]) -> String {
    match names {
        [one] => format!("{one} was"),
        [one, two] => format!("{one} and {two} were"),
        [one, others @ ..] => format!("{one} and {} more were", others.len()),
        [] => "nothing was".to_owned(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOOK: Took = Took {
        noticed: Some(Duration::from_millis(35)),
        built: Duration::from_millis(700),
        placed: Duration::from_millis(5),
        activated: Duration::from_millis(110),
    };

    fn reloaded(components: &[(&str, Verdict)], took: Took) -> News {
        let component = |(name, verdict): &(&str, Verdict)| Component {
            name: (*name).to_owned(),
            verdict: *verdict,
            reason: verdict.is_refusal().then(|| "it imports what no worker has".to_owned()),
        };
        let ok = !components.iter().any(|(_, verdict)| verdict.is_refusal());
        let components = components.iter().map(component).collect();
        News::Reloaded(Reloaded { ok, components, generation: 7, took, warnings: Vec::new() })
    }

    #[test]
    fn each_news_has_its_words() {
        let finding = |n: u32| Finding {
            error: true,
            message: "mismatched types".to_owned(),
            place: Some(format!("src/lib.rs:{n}:5")),
            rendered: format!("error: mismatched types, {n}"),
        };
        let files = |files: &[&str]| News::Building {
            saved: files.iter().map(|f| (*f).to_owned()).collect(),
        };
        let unsaved = Took { noticed: None, ..TOOK };
        for (news, expected) in [
            (files(&[]), "• building"),
            (files(&["a.rs"]), "• building: a.rs was saved"),
            (files(&["a.rs", "b.rs"]), "• building: a.rs and b.rs were saved"),
            (files(&["a.rs", "b.rs", "c.rs"]), "• building: a.rs and 2 more were saved"),
            (
                News::refused(vec![finding(1)], "error: could not compile".to_owned(), true),
                "error: mismatched types, 1\n\n✗ not built: 1 error; the code before it goes on serving",
            ),
            (
                News::refused(vec![finding(1), finding(2)], String::new(), false),
                "error: mismatched types, 1\n\nerror: mismatched types, 2\n\n✗ not built: 2 errors; nothing serves yet",
            ),
            (
                News::refused(Vec::new(), "error: no such crate".to_owned(), true),
                "error: no such crate\n\n✗ not built: cargo cannot build it; the code before it goes on serving",
            ),
            (
                reloaded(&[("a", Verdict::Activated), ("b", Verdict::Activated)], TOOK),
                "✓ a, b at generation 7: saved → serving in 850 ms; built in 700 ms, the rest 150 ms (noticed in 35, placed in 5, activated in 110)",
            ),
            (
                reloaded(&[], unsaved),
                "• nothing new: what was built is what serves (built in 700 ms, placed in 5 ms, activated in 110 ms)",
            ),
            (
                reloaded(&[("a", Verdict::CarriedOver), ("b", Verdict::Removed)], TOOK),
                "✗ a is built and refused: it imports what no worker has; the code before it goes on serving\n• b has no source any more and is gone",
            ),
        ] {
            assert_eq!(news.words(), expected);
        }
    }

    #[test]
    fn programs_are_told_the_kind_and_the_times() {
        let told =
            serde_json::to_value(reloaded(&[("a", Verdict::Activated)], TOOK)).expect("JSON");
        assert_eq!(
            told,
            json!({
                "what": "reloaded", "ok": true, "generation": 7,
                "components": [{ "name": "a", "verdict": "activated" }],
                "took": {
                    "noticed_ms": 35, "built_ms": 700, "placed_ms": 5, "activated_ms": 110, "rest_ms": 150,
                    "total_ms": 850,
                },
            })
        );
    }
}
