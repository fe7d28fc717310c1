//! Text of a guest → a path beneath a root, or why it is none.
//!
//! This is the first wall and the smaller one: what looks like a way out is refused before the system is asked. The second
//! is the handle of the root, beneath which the system itself resolves every path, links included.

use std::fmt;
use std::path::Path;

use super::temporary;

/// The longest path a guest may name, in bytes.
pub(crate) const LONGEST: usize = 1024;

/// How many parts it may have. Guests cannot make deeper trees than this either, so that whoever walks one comes to its end.
pub(crate) const DEEPEST: usize = 64;

/// A path beneath a root: names with `/` between them, none of which leads up. Empty for the root itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inside(String);

/// Why a text is no path beneath a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It begins at the root of the machine.
    Absolute,
    /// It has a part `..`.
    Up,
    /// It holds the character that ends a path for the system.
    Nul,
    /// It has more than [`LONGEST`] bytes.
    Long,
    /// It has more than [`DEEPEST`] parts.
    Deep,
    /// It names a file that is being written.
    Reserved,
}

impl Inside {
    /// The root itself.
    pub(crate) fn root() -> Self {
        Self(String::new())
    }

    /// Reads a path. Empty parts and `.` say nothing and are left out.
    pub(crate) fn parse(text: &str) -> Result<Self, Outside> {
        if text.len() > LONGEST {
            return Err(Outside::Long);
        }
        if text.contains('\0') {
            return Err(Outside::Nul);
        }
        if text.starts_with('/') {
            return Err(Outside::Absolute);
        }
        let parts: Vec<_> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return Err(Outside::Up);
        }
        if parts.len() > DEEPEST {
            return Err(Outside::Deep);
        }
        if parts.iter().any(|part| temporary::is_name(part)) {
            return Err(Outside::Reserved);
        }
        Ok(Self(parts.join("/")))
    }

    /// Whether it is the root itself.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// For the system, which calls the root `.`.
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(if self.is_root() { "." } else { &self.0 })
    }

    /// Its last part: what it is called in the folder that it is in.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// How many parts it has.
    pub(crate) fn depth(&self) -> usize {
        if self.is_root() { 0 } else { self.0.split('/').count() }
    }

    /// The paths of the folders on the way to it, from the top, and itself at last.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Path> {
        let ends = self.0.match_indices('/').map(|(at, _)| at);
        let whole = (!self.is_root()).then_some(self.0.len());
        ends.chain(whole).map(|end| Path::new(&self.0[..end]))
    }
}

impl Outside {
    /// Whether the path tries to leave its root, as opposed to being no path at all.
    pub(crate) fn leads_out(self) -> bool {
        matches!(self, Self::Absolute | Self::Up)
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute => f.write_str("it is absolute; name it from its root on"),
            Self::Up => f.write_str("`..` leads up; name it from its root on"),
            Self::Nul => f.write_str("it holds a NUL character"),
            Self::Long => write!(f, "it has more than {LONGEST} bytes"),
            Self::Deep => write!(f, "it has more than {DEEPEST} parts"),
            Self::Reserved => f.write_str("names like this belong to files that are being written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names_from_the_root_on_and_nothing_else() {
        let deepest = vec!["a"; DEEPEST].join("/");
        let long = "x".repeat(LONGEST);
        let inside = [
            ("", "."),
            (".", "."),
            ("a", "a"),
            ("a/b.txt", "a/b.txt"),
            ("./a//b/", "a/b"),
            ("a/./b", "a/b"),
            ("...", "..."),
            ("..a/b..", "..a/b.."),
            (r"a\..\b", r"a\..\b"),
            ("ä/日本", "ä/日本"),
            (deepest.as_str(), deepest.as_str()),
            (long.as_str(), long.as_str()),
        ];
        for (text, path) in inside {
            let parsed = Inside::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
            assert_eq!(parsed.as_path(), Path::new(path), "{text:?}");
            assert_eq!(parsed.to_string(), path, "{text:?}");
        }
        let deeper = format!("{deepest}/a");
        let longer = format!("{long}x");
        let reserved = format!("a/{}", temporary::name(7));
        let outside = [
            ("..", Outside::Up),
            ("../a", Outside::Up),
            ("a/../../b", Outside::Up),
            ("a/../b", Outside::Up),
            ("a/..", Outside::Up),
            ("/", Outside::Absolute),
            ("/etc/passwd", Outside::Absolute),
            ("//a", Outside::Absolute),
            ("a\0b", Outside::Nul),
            (deeper.as_str(), Outside::Deep),
            (longer.as_str(), Outside::Long),
            (reserved.as_str(), Outside::Reserved),
        ];
        for (text, why) in outside {
            assert_eq!(Inside::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn the_way_to_a_path_is_walked_from_the_top() {
        let steps = |text| -> Vec<String> {
            let path = Inside::parse(text).expect("a path");
            path.steps().map(|step| step.display().to_string()).collect()
        };
        assert_eq!(steps(""), Vec::<String>::new());
        assert_eq!(steps("a"), ["a"]);
        assert_eq!(steps("a/b/c"), ["a", "a/b", "a/b/c"]);
        for (text, depth, name) in [("", 0, ""), ("a", 1, "a"), ("a/b/c", 3, "c")] {
            let path = Inside::parse(text).expect("a path");
            assert_eq!((path.depth(), path.name()), (depth, name), "{text:?}");
        }
    }
}
