//! One line of a component's grants: what it allows, what of that is counted apart, and the smaller line that would have
//! been enough.

use crate::placement::Capability;

/// One line of a component's grants, such as `{ root = "notes", access = "read-write" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is a grant of.
    pub capability: Capability,
    /// Its keys in the operator's order, each with its value as it is written in TOML. Empty where the values are nobody's
    /// but the operator's and the component's.
    pub keys: Vec<(String, String)>,
    /// What is counted apart. Its provider knows each by its position.
    pub parts: Vec<Part>,
}

/// Something of a line that is counted by itself: writing in a root, one method of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What reports call it: `write`, `GET`.
    pub name: String,
    /// What its use, or its lack, says of the line.
    pub says: Says,
}

/// What the use of a part says of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Nothing: the part is counted for whoever reads reports.
    Nothing,
    /// Unless it was used, this key could have this value.
    Unless {
        /// The key.
        key: &'static str,
        /// Its value, in TOML.
        value: &'static str,
    },
    /// It is, or could be, an entry of this list; unused entries could go.
    Entry {
        /// The key of the list.
        key: &'static str,
        /// The entry, in TOML.
        value: String,
    },
    /// Where it was used, no entries of this list say what is needed, and the list stays as it is.
    Beyond {
        /// The key of the list.
        key: &'static str,
    },
}

impl Line {
    /// The line as it is written: `{ root = "notes" }`.
    pub fn written(&self) -> String {
        table(&self.keys)
    }

    /// The smallest line that allows what was used: `parts` says how often each part was. `None` where this one is the
    /// smallest. It is for lines that were used at all; the others could go.
    ///
    /// ```
    /// use runtime::capability::{Line, Part, Says};
    /// use runtime::placement::Capability;
    ///
    /// let access = Says::Unless { key: "access", value: "\"read\"" };
    /// let line = Line {
    ///     capability: Capability::Fs,
    ///     keys: vec![("root".into(), "\"notes\"".into()), ("access".into(), "\"read-write\"".into())],
    ///     parts: vec![Part { name: "write".into(), says: access }],
    /// };
    /// assert_eq!(line.narrowed(&[0]).as_deref(), Some(r#"{ root = "notes", access = "read" }"#));
    /// assert_eq!(line.narrowed(&[1]), None);
    /// ```
    pub fn narrowed(&self, parts: &[u64]) -> Option<String> {
        let counted = || {
            let uses = parts.iter().copied().chain(std::iter::repeat(0));
            self.parts.iter().zip(uses).map(|(part, uses)| (&part.says, uses > 0))
        };
        let mut keys = self.keys.clone();
        for (says, used) in counted() {
            if let (Says::Unless { key, value }, false) = (says, used) {
                set(&mut keys, key, (*value).to_owned());
            }
        }
        let mut lists: Vec<&str> = Vec::new();
        for (says, _) in counted() {
            if let Says::Entry { key, .. } = says
                && !lists.contains(key)
            {
                lists.push(key);
            }
        }
        for list in lists {
            let beyond = counted()
                .any(|(says, used)| used && matches!(says, Says::Beyond { key } if *key == list));
            let entries = counted().filter_map(|(says, used)| match says {
                Says::Entry { key, value } if *key == list => Some((value.as_str(), used)),
                _ => None,
            });
            let entries: Vec<_> = entries.collect();
            let used: Vec<_> =
                entries.iter().filter(|(_, used)| *used).map(|(value, _)| *value).collect();
            // Where nothing of a list was used, what the line was used for hung on something else.
            if !beyond && !used.is_empty() && used.len() < entries.len() {
                set(&mut keys, list, format!("[{}]", used.join(", ")));
            }
        }
        (keys != self.keys).then(|| table(&keys))
    }
}

fn set(keys: &mut Vec<(String, String)>, key: &str, value: String) {
    match keys.iter_mut().find(|(own, _)| own == key) {
        Some((_, own)) => *own = value,
        None => keys.push((key.to_owned(), value)),
    }
}

fn table(keys: &[(String, String)]) -> String {
    if keys.is_empty() {
        return "{}".to_owned();
    }
    let keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &'static str, value: &str) -> Part {
        Part { name: value.to_owned(), says: Says::Entry { key, value: format!("{value:?}") } }
    }

    #[test]
    fn lists_keep_what_was_used_and_all_where_that_is_not_known() {
        let line = |keys: &[(&str, &str)]| Line {
            capability: Capability::Http,
            keys: keys
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            parts: vec![
                entry("methods", "GET"),
                entry("methods", "POST"),
                Part { name: "other".to_owned(), says: Says::Beyond { key: "methods" } },
                entry("in", "body"),
                Part { name: "read".to_owned(), says: Says::Nothing },
            ],
        };
        let open = line(&[("to", "\"https://a\"")]);
        let named = line(&[("methods", "[\"GET\", \"POST\"]"), ("to", "\"https://a\"")]);
        for (line, parts, narrowed) in [
            (&open, &[1, 0, 0, 0, 0][..], Some(r#"{ to = "https://a", methods = ["GET"] }"#)),
            (&open, &[1], Some(r#"{ to = "https://a", methods = ["GET"] }"#)),
            (&open, &[1, 9, 0, 0, 5], None),
            (&open, &[1, 0, 1, 0, 0], None),
            (&open, &[0, 0, 0, 0, 7], None),
            (&open, &[], None),
            (&named, &[0, 4, 0, 2], Some(r#"{ methods = ["POST"], to = "https://a" }"#)),
            (&named, &[1, 1], None),
        ] {
            assert_eq!(line.narrowed(parts).as_deref(), narrowed, "{line:?} {parts:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_written_is_added_and_one_that_is_enough_already_stays() {
        let line = |keys: Vec<(String, String)>| Line {
            capability: Capability::Redis,
            keys,
            parts: vec![Part {
                name: "write".to_owned(),
                says: Says::Unless { key: "read_only", value: "true" },
            }],
        };
        let bare = line(Vec::new());
        assert_eq!(bare.written(), "{}");
        assert_eq!(bare.narrowed(&[0]).as_deref(), Some("{ read_only = true }"));
        assert_eq!(bare.narrowed(&[3]), None);
        let small = line(vec![("read_only".to_owned(), "true".to_owned())]);
        assert_eq!(small.narrowed(&[0]), None);
    }
}
