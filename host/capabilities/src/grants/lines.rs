//! Grants → what reports know of them: each line with what is counted apart in it.

use runtime::capability::{Granted, Line, Part, Says};
use runtime::placement::Capability;

use super::{Grant, Grants, Name};
use crate::fs::Access;
use crate::{http, keyvalue};

impl Grants {
    /// Which component has which grants, for reports. The lines have the numbers by which providers count their uses.
    ///
    /// ```
    /// use runtime::placement::Capability;
    ///
    /// let grants = capabilities::grants::parse("[components.a]\nfs = [{ root = 'scratch' }]").unwrap();
    /// let granted = grants.granted();
    /// assert!(granted.includes("a", Capability::Fs) && !granted.includes("a", Capability::Http));
    /// assert_eq!(granted.lines("a", Capability::Fs)[0].written(), "{ root = 'scratch' }");
    /// ```
    pub fn granted(&self) -> Granted {
        let mut granted = Granted::default();
        for (component, grant) in &self.components {
            granted.name(component, grant.optional);
            let mut counts = [0; Capability::ALL.len()];
            for (capability, parts) in parts(grant) {
                let number = &mut counts[capability as usize];
                // Settings are text of any kind, and reports go further than the file.
                let keys = match capability {
                    Capability::Config => Vec::new(),
                    _ => self.written.line(component, capability.name(), *number),
                };
                *number += 1;
                granted.add(component, Line { capability, keys, parts });
            }
        }
        granted
    }
}

/// Every line of a component, with its parts.
fn parts(grant: &Grant) -> Vec<(Capability, Vec<Part>)> {
    let mut lines = Vec::new();
    for line in &grant.fs {
        // The folder of a run is always there to be changed.
        let smaller = line.access == Access::ReadWrite && line.root.as_str() != crate::fs::SCRATCH;
        let says = Says::Unless { key: "access", value: "\"read\"" };
        lines.push((Capability::Fs, read_write(smaller.then_some(says))));
    }
    lines.extend(grant.shell.iter().map(|_| (Capability::Shell, Vec::new())));
    for line in &grant.http {
        let mut parts = entries("methods", line.counted());
        if line.methods.is_empty() {
            let says = Says::Beyond { key: "methods" };
            parts.push(Part { name: http::Grant::OTHER.to_owned(), says });
        }
        lines.push((Capability::Http, parts));
    }
    if let Some(redis) = &grant.redis {
        let says = Says::Unless { key: "read_only", value: "true" };
        lines.push((Capability::Redis, read_write((!redis.read_only).then_some(says))));
    }
    if let Some(keyvalue) = &grant.keyvalue {
        lines.push((Capability::Keyvalue, buckets(keyvalue)));
    }
    for line in &grant.secrets {
        let mut parts = entries("to", line.to.iter().map(String::as_str));
        let places: Vec<_> = line.parts.iter().map(ToString::to_string).collect();
        parts.extend(entries("in", places.iter().map(String::as_str)));
        lines.push((Capability::Secrets, parts));
    }
    if let Some(inference) = &grant.inference {
        let models = inference.models.iter().map(String::as_str);
        lines.push((Capability::Inference, entries("models", models)));
    }
    if !grant.config.is_empty() {
        lines.push((Capability::Config, Vec::new()));
    }
    lines
}

/// Reading and writing, in this order, with what a line without writing could say.
fn read_write(without: Option<Says>) -> Vec<Part> {
    let part = |name: &str, says| Part { name: name.to_owned(), says };
    vec![part("read", Says::Nothing), part("write", without.unwrap_or(Says::Nothing))]
}

fn buckets(grant: &keyvalue::Grant) -> Vec<Part> {
    let mut parts = entries("buckets", grant.buckets.iter().map(Name::as_str));
    parts.extend(entries("shared", grant.shared.iter().map(Name::as_str)));
    parts
}

fn entries<'e>(key: &'static str, entries: impl IntoIterator<Item = &'e str>) -> Vec<Part> {
    let part = |entry: &str| {
        // Text in JSON is text in TOML.
        let value = serde_json::Value::from(entry).to_string();
        Part { name: entry.to_owned(), says: Says::Entry { key, value } }
    };
    entries.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_words_and_the_parts_that_are_counted() {
        let text = r#"
            [roots.n]
            path = "/n"
            [secrets.k]
            env = "K"
            [redis]
            url = "redis://a"
            [components.a]
            optional = true
            fs = [{ root = "n", access = "read-write" }, { root = "scratch" }]
            http = [{ to = "https://a.test" }, { to = "https://b.test", methods = ["GET", "PUT"] }]
            redis = {}
            keyvalue = { buckets = ["b"], shared = ["s"] }
            secrets = [{ name = "k", to = ["https://a.test", "https://b.test"], in = ["body"] }]
            inference = { models = ["m"] }
            [components.a.config]
            plan = "world"
            [components.b]
        "#;
        let granted = super::super::parse(text).expect("sound").granted();
        let shown = |capability| {
            let lines = granted.lines("a", capability).iter();
            let names = |line: &Line| {
                line.parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>().join(" ")
            };
            lines.map(|line| format!("{}: {}", line.written(), names(line))).collect::<Vec<_>>()
        };
        for (capability, lines) in [
            (
                Capability::Fs,
                &[
                    "{ root = \"n\", access = \"read-write\" }: read write",
                    "{ root = \"scratch\" }: read write",
                ][..],
            ),
            (
                Capability::Http,
                &[
                    "{ to = \"https://a.test\" }: GET HEAD POST PUT PATCH DELETE OPTIONS other",
                    "{ to = \"https://b.test\", methods = [\"GET\", \"PUT\"] }: GET PUT",
                ],
            ),
            (Capability::Redis, &["{}: read write"]),
            (Capability::Keyvalue, &["{ buckets = [\"b\"], shared = [\"s\"] }: b s"]),
            (
                Capability::Secrets,
                &[
                    "{ name = \"k\", to = [\"https://a.test\", \"https://b.test\"], in = [\"body\"] }: https://a.test https://b.test body",
                ],
            ),
            (Capability::Inference, &["{ models = [\"m\"] }: m"]),
            (Capability::Config, &["{}: "]),
            (Capability::Shell, &[]),
        ] {
            assert_eq!(shown(capability), lines, "{capability}");
        }
        let narrowed = |capability, line: usize, parts: &[u64]| {
            granted.lines("a", capability)[line].narrowed(parts)
        };
        assert_eq!(
            narrowed(Capability::Fs, 0, &[3, 0]).as_deref(),
            Some("{ root = \"n\", access = \"read\" }")
        );
        assert_eq!(narrowed(Capability::Fs, 1, &[3, 0]), None, "it is always there to be changed");
        assert_eq!(
            narrowed(Capability::Redis, 0, &[1, 0]).as_deref(),
            Some("{ read_only = true }")
        );
        assert!(granted.is_optional("a") && !granted.is_optional("b"));
        assert_eq!(granted.components().collect::<Vec<_>>(), ["a", "b"]);
    }
}
