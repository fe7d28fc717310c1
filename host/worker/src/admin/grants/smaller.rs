//! What a component was granted and what it has used → the grants that would have been enough.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use runtime::capability::{Granted, Line, LineUsed};
use runtime::placement::Capability;
use serde::Serialize;

/// Grants that would have been enough.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Smaller {
    /// What is not needed, each as one sentence.
    why: Vec<String>,
    /// The component's table as it could be, in TOML.
    toml: String,
}

/// The smaller grants of a component, which imports this and has used these lines; `None` where it uses all that it has.
pub(super) fn smaller(
    component: &str,
    granted: &Granted,
    imported: &BTreeSet<Capability>,
    used: impl Fn(Capability) -> Vec<LineUsed>,
) -> Option<Smaller> {
    let mut why = Vec::new();
    let mut tables = Vec::new();
    for capability in granted.of(component) {
        let name = capability.name();
        let lines = granted.lines(component, capability);
        let used = used(capability);
        // A program that runs in a root uses a grant of files without any import of them.
        if !imported.contains(&capability) && used.iter().all(|line| line.calls == 0) {
            why.push(format!("{name}: {component} does not import it"));
            continue;
        }
        if capability == Capability::Config {
            continue;
        }
        let left: Vec<_> =
            lines.iter().zip(&used).filter_map(|(line, used)| left(line, used, &mut why)).collect();
        if left.is_empty() {
            continue;
        }
        let written =
            if is_listed(capability) { format!("[{}]", left.join(", ")) } else { left.join(", ") };
        tables.push(format!("{name} = {written}"));
    }
    if why.is_empty() {
        return None;
    }
    let mut toml = format!("[components.{}]", key(component));
    if granted.is_optional(component) {
        toml.push_str("\noptional = true");
    }
    for table in tables {
        // Writing to memory cannot fail.
        let _ = write!(toml, "\n{table}");
    }
    if granted.includes(component, Capability::Config) && imported.contains(&Capability::Config) {
        let _ = write!(toml, "\n# and its config, as it is");
    }
    Some(Smaller { why, toml })
}

/// What is left of a line; none where it was not used.
fn left(line: &Line, used: &LineUsed, why: &mut Vec<String>) -> Option<String> {
    let name = line.capability.name();
    let written = line.written();
    if used.calls == 0 {
        why.push(format!("{name}: {written} was not used"));
        return None;
    }
    let Some(narrowed) = line.narrowed(&used.parts) else { return Some(written) };
    why.push(format!("{name}: of {written} only {narrowed} was used"));
    Some(narrowed)
}

/// Whether its grants are a list; the others are one table.
fn is_listed(capability: Capability) -> bool {
    matches!(
        capability,
        Capability::Fs | Capability::Shell | Capability::Http | Capability::Secrets
    )
}

/// A key of TOML, in quotes where it has to be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    // Text in JSON is text in TOML.
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use runtime::capability::{Part, Says};

    use super::*;

    fn line(capability: Capability, keys: &[(&str, &str)], parts: &[(&str, Says)]) -> Line {
        let part =
            |(name, says): &(&str, Says)| Part { name: (*name).to_owned(), says: says.clone() };
        Line {
            capability,
            keys: keys
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            parts: parts.iter().map(part).collect(),
        }
    }

    fn granted() -> Granted {
        let write = ("write", Says::Unless { key: "access", value: "\"read\"" });
        let reads = ("read", Says::Nothing);
        let mut granted = Granted::default();
        granted.name("back up", true);
        for line in [
            line(
                Capability::Fs,
                &[("root", "\"notes\""), ("access", "\"read-write\"")],
                &[reads, write],
            ),
            line(Capability::Fs, &[("root", "\"old\"")], &[]),
            line(Capability::Shell, &[("program", "\"git\"")], &[]),
            line(Capability::Redis, &[("prefix", "\"b:\"")], &[]),
            line(Capability::Config, &[], &[]),
        ] {
            granted.add("back up", line);
        }
        granted
    }

    fn used(calls: u64, parts: &[u64]) -> LineUsed {
        LineUsed { calls, parts: parts.to_vec() }
    }

    #[test]
    fn what_was_not_used_goes_and_what_was_used_in_part_gets_smaller() {
        let granted = granted();
        let all = [Capability::Fs, Capability::Shell, Capability::Redis, Capability::Config];
        let smaller = |fs: [LineUsed; 2], shell: u64, redis: u64, imported: &[Capability]| {
            let imported = imported.iter().copied().collect();
            smaller("back up", &granted, &imported, |capability| match capability {
                Capability::Fs => fs.to_vec(),
                Capability::Shell => vec![used(shell, &[])],
                Capability::Redis => vec![used(redis, &[])],
                _ => vec![used(0, &[])],
            })
        };
        assert_eq!(smaller([used(2, &[1, 1]), used(1, &[])], 1, 1, &all), None);

        let read_only = smaller([used(2, &[2, 0]), used(0, &[])], 1, 1, &all).expect("smaller");
        assert_eq!(
            read_only.toml,
            "[components.\"back up\"]\noptional = true\n\
             fs = [{ root = \"notes\", access = \"read\" }]\nshell = [{ program = \"git\" }]\n\
             redis = { prefix = \"b:\" }\n# and its config, as it is"
        );
        assert_eq!(
            read_only.why,
            [
                "fs: of { root = \"notes\", access = \"read-write\" } only { root = \"notes\", access = \"read\" } was used",
                "fs: { root = \"old\" } was not used",
            ]
        );

        // Nothing imported but what programs were run in.
        let none =
            smaller([used(1, &[0, 1]), used(0, &[])], 3, 0, &[Capability::Shell]).expect("smaller");
        assert_eq!(none.why.len(), 3, "{none:?}");
        assert!(none.why.contains(&"redis: back up does not import it".to_owned()), "{none:?}");
        assert!(none.why.contains(&"config: back up does not import it".to_owned()), "{none:?}");
        assert!(
            none.toml.ends_with("access = \"read-write\" }]\nshell = [{ program = \"git\" }]"),
            "{none:?}"
        );
    }
}
