//! The operator's own words for each line of a component's grants, so that reports can repeat them.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem, Wrong};

/// The keys of a line in their order, each with its value as it is written.
pub(super) type Keys = Vec<(String, String)>;

/// The whole file, and what is written of each component. Empty where grants were not read from a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    text: String,
    components: BTreeMap<String, OfComponent>,
}

/// What is written of one component.
#[derive(Debug, Clone)]
struct OfComponent {
    /// Of its name.
    place: Place,
    /// Capability → lines.
    lines: BTreeMap<String, Vec<Keys>>,
}

impl Written {
    /// What stands in this file.
    pub(super) fn of(text: &str, file: &DeTable<'_>) -> Self {
        let components = file.get("components").and_then(table).into_iter().flatten();
        let components = components.filter_map(|(name, grant)| {
            let lines = table(grant)?.iter().filter_map(|(capability, granted)| {
                Some((capability.get_ref().to_string(), lines(text, granted)?))
            });
            let own = OfComponent { place: Place::of(text, &name.span()), lines: lines.collect() };
            Some((name.get_ref().to_string(), own))
        });
        Self { text: text.to_owned(), components: components.collect() }
    }

    /// Where a component is named first; the beginning of the file where that is not known.
    pub(super) fn place(&self, component: &str) -> Place {
        self.components.get(component).map_or(Place::START, |own| own.place)
    }

    /// An entry that is wrong, with its place.
    pub(super) fn problem(&self, wrong: Wrong) -> Problem {
        let span = DeTable::parse(&self.text).map(|table| place(&table, &wrong.path));
        Problem::at(&self.text, &span.unwrap_or_default(), wrong.message)
    }

    /// One line; without any keys where its words are not known.
    pub(super) fn line(&self, component: &str, capability: &str, line: usize) -> Keys {
        let lines = self.components.get(component).and_then(|own| own.lines.get(capability));
        lines.and_then(|lines| lines.get(line)).cloned().unwrap_or_default()
    }
}

fn table<'t, 'd>(value: &'t Spanned<DeValue<'d>>) -> Option<&'t DeTable<'d>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// One line, or a list of them.
fn lines(text: &str, granted: &Spanned<DeValue<'_>>) -> Option<Vec<Keys>> {
    match granted.get_ref() {
        DeValue::Table(line) => Some(vec![keys(text, line)]),
        DeValue::Array(all) => Some(
            all.iter()
                .map(|line| table(line).map_or_else(Keys::new, |line| keys(text, line)))
                .collect(),
        ),
        _ => None,
    }
}

fn keys(text: &str, line: &DeTable<'_>) -> Keys {
    let mut keys: Vec<_> = line.iter().map(|(key, value)| (key, value.span())).collect();
    keys.sort_by_key(|(_, span)| span.start);
    let written = keys
        .into_iter()
        .filter_map(|(key, span)| Some((key.get_ref().to_string(), text.get(span)?.to_owned())));
    written.collect()
}

/// The bytes of an entry, or of the last of its ancestors that is written down. Parts of the path that are numbers stand
/// for positions in lists.
pub(super) fn place(table: &Spanned<DeTable<'_>>, path: &[String]) -> Range<usize> {
    let Some((first, rest)) = path.split_first() else { return table.span() };
    let Some((key, value)) = table.get_ref().iter().find(|(key, _)| key.get_ref() == first) else {
        return table.span();
    };
    place_in(value, rest).unwrap_or_else(|| key.span())
}

fn place_in(value: &Spanned<DeValue<'_>>, path: &[String]) -> Option<Range<usize>> {
    let Some((first, rest)) = path.split_first() else {
        // What stands under a header has no place of its own that is of use.
        return (!value.get_ref().is_table()).then(|| value.span());
    };
    match value.get_ref() {
        DeValue::Table(table) => {
            let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
            Some(place_in(value, rest).unwrap_or_else(|| key.span()))
        }
        DeValue::Array(items) => {
            let item = items.get(first.parse::<usize>().ok()?)?;
            Some(place_in(item, rest).unwrap_or_else(|| item.span()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_repeated_as_they_are_written_in_every_form() {
        let text = r#"
            [components.a]
            fs = [{ root = "n", access = "read" }, { root = 'm' }]
            http = [{ to = "https://a.test", methods = [
                "GET", # to look
            ] }]
            redis.prefix = "a:"
            [components.a.keyvalue]
            shared = ["one"]
            buckets = []
            [[components.a.shell]]
            program = "git"
            [[components.a.shell]]
            program = "ls"
        "#;
        let written = Written::of(text, DeTable::parse(text).expect("TOML").get_ref());
        for (capability, line, keys) in [
            ("fs", 0, &[("root", "\"n\""), ("access", "\"read\"")][..]),
            ("fs", 1, &[("root", "'m'")]),
            ("fs", 2, &[]),
            ("redis", 0, &[("prefix", "\"a:\"")]),
            ("keyvalue", 0, &[("shared", "[\"one\"]"), ("buckets", "[]")]),
            ("shell", 1, &[("program", "\"ls\"")]),
            ("secrets", 0, &[]),
        ] {
            let line = written.line("a", capability, line);
            let line: Vec<_> = line.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(line, keys, "{capability}");
        }
        assert!(written.line("a", "http", 0)[1].1.contains("# to look"));
        assert!(written.line("b", "fs", 0).is_empty());
    }
}
