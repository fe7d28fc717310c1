//! One import of a component: what it asks for, and what it calls that.

use std::fmt;

use semver::Version;

/// One import of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What the component calls it: the interface, or a label of its own where it says beside it which interface that
    /// is.
    pub name: String,
    /// The interface it asks for. None for a function, a resource or anything else that is imported by itself.
    pub interface: Option<Interface>,
}

/// An interface as an import names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Package and interface, such as `wasi:http/types`.
    pub name: String,
    /// The version asked for, such as `0.2.6`.
    pub version: Option<String>,
}

impl Import {
    /// An import under the interface's own name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), interface: Interface::parse(name) }
    }

    /// An import under a label. The interface decides what it is; the label is the author's.
    pub fn labelled(label: &str, interface: &str) -> Self {
        Self { name: label.to_owned(), interface: Interface::parse(interface) }
    }

    /// The label, where the import has one.
    pub fn label(&self) -> Option<&str> {
        let interface = self.interface.as_ref()?;
        (interface.to_string() != self.name).then_some(self.name.as_str())
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match (&self.interface, self.label()) {
            (Some(interface), Some(_)) => write!(f, " (implements {interface})"),
            _ => Ok(()),
        }
    }
}

impl Interface {
    /// Takes `package:name/interface@version` apart; none when the text has not that form. Names that load code from
    /// elsewhere (`url=<…>`, `unlocked-dep=<…>`) do not.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (text, None),
        };
        let (namespace, rest) = name.split_once(':')?;
        let (package, interface) = rest.split_once('/')?;
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        ([namespace, package, interface].into_iter().all(word))
            .then(|| Self { name: name.to_owned(), version })
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

/// Whether an import of one version links against another, as the engine decides it: released versions do when they
/// are on one track (`0.2`, `1`), older or newer; drafts and the like only when they are the same.
pub(super) fn compatible(asked: Option<&str>, offered: &str) -> bool {
    let Some(asked) = asked else { return false };
    if asked == offered {
        return true;
    }
    let (Ok(asked), Ok(offered)) = (Version::parse(asked), Version::parse(offered)) else {
        return false;
    };
    let released = asked.pre.is_empty() && offered.pre.is_empty();
    released
        && match (asked.major, asked.minor) {
            (0, 0) => false,
            (0, minor) => (offered.major, offered.minor) == (0, minor),
            (major, _) => offered.major == major,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_link_as_the_engine_links_them() {
        for (asked, offered, links) in [
            ("0.2.0", "0.2.12", true),
            ("0.2.12", "0.2.12", true),
            ("0.2.99", "0.2.12", true),
            ("0.2.6+build", "0.2.12", true),
            ("0.3.0", "0.2.12", false),
            ("1.2.0", "0.2.12", false),
            ("1.0.0", "1.4.2", true),
            ("2.0.0", "1.4.2", false),
            ("0.0.1", "0.0.1", true),
            ("0.0.1", "0.0.2", false),
            ("0.2.0-rc-2023-11-10", "0.2.12", false),
            ("0.1.0-draft", "0.1.0-draft", true),
            ("0.1.0-draft2", "0.1.0-draft", false),
            ("0.1.0", "0.1.0-draft", false),
            ("0.2", "0.2.12", false),
            ("", "0.2.12", false),
        ] {
            assert_eq!(compatible(Some(asked), offered), links, "{asked} against {offered}");
        }
        assert!(!compatible(None, "0.2.12"), "the engine looks for a version");
    }

    #[test]
    fn names_are_taken_apart_only_where_they_are_interfaces() {
        let interface = Interface::parse("wasi:http/types@0.2.6").expect("an interface");
        assert_eq!(
            (interface.name.as_str(), interface.version.as_deref()),
            ("wasi:http/types", Some("0.2.6"))
        );
        assert_eq!(interface.to_string(), "wasi:http/types@0.2.6");
        assert_eq!(Interface::parse("a:b/c").expect("an interface").version, None);
        for other in [
            "",
            "get-time",
            "[method]a.b",
            "a:b",
            "a/b",
            "a:b/c/d",
            "a:b:c/d",
            "url=<https://a.test/b>",
            "unlocked-dep=<wasi:http/types@0.2.6>",
            "locked-dep=<wasi:http/types@0.2.6>,integrity=<sha256-a>",
        ] {
            assert_eq!(Interface::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_label_is_told_apart_from_the_interface_it_stands_for() {
        let plain = Import::named("wasi:io/poll@0.2.6");
        assert_eq!((plain.label(), plain.to_string().as_str()), (None, "wasi:io/poll@0.2.6"));
        let labelled = Import::labelled("cache", "wasi:filesystem/types@0.2.6");
        assert_eq!(labelled.label(), Some("cache"));
        assert_eq!(labelled.to_string(), "cache (implements wasi:filesystem/types@0.2.6)");
    }
}
