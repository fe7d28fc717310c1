//! Whether an argument list is one that the operator allows.

/// What the arguments of a program must look like.
///
/// ```
/// use capabilities::shell::Patterns;
///
/// let patterns = Patterns::parse(&["log", "--since=*", "*"])?;
/// assert!(patterns.allow(&["log", "--since=monday", "main"]));
/// // `*` never turns an argument into an option.
/// assert!(!patterns.allow(&["log", "--since=monday", "--output=/etc/passwd"]));
/// # Ok::<(), capabilities::shell::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    arguments: Vec<Argument>,
    /// Whether any arguments may follow.
    rest: bool,
}

/// The pattern of one argument: the texts between its stars, of which there is one less.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Argument {
    texts: Vec<String>,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `**` with something behind it.
    #[error("`**` stands for all further arguments, so it has to be the last pattern")]
    NotLast,
    /// `**` within an argument.
    #[error("`{0}` has two stars side by side: write one, or `**` alone as the last pattern")]
    TwoStars(String),
    /// A NUL, which no argument can hold.
    #[error("{0:?} has a NUL, which no argument can hold")]
    Nul(String),
}

impl Patterns {
    /// Reads what the operator wrote, one pattern for each argument.
    pub fn parse<T: AsRef<str>>(patterns: &[T]) -> Result<Self, PatternError> {
        let (patterns, rest) = match patterns.split_last() {
            Some((last, before)) if last.as_ref() == "**" => (before, true),
            _ => (patterns, false),
        };
        let arguments = patterns.iter().map(|pattern| Argument::parse(pattern.as_ref()));
        Ok(Self { arguments: arguments.collect::<Result<_, _>>()?, rest })
    }

    /// Whether these arguments are what the patterns stand for. Never where one of them has a NUL.
    pub fn allow<T: AsRef<str>>(&self, arguments: &[T]) -> bool {
        let enough = if self.rest {
            arguments.len() >= self.arguments.len()
        } else {
            arguments.len() == self.arguments.len()
        };
        enough
            && arguments.iter().all(|argument| !argument.as_ref().contains('\0'))
            && self.arguments.iter().zip(arguments).all(|(own, given)| own.allows(given.as_ref()))
    }
}

impl Argument {
    fn parse(pattern: &str) -> Result<Self, PatternError> {
        if pattern == "**" {
            return Err(PatternError::NotLast);
        }
        if pattern.contains("**") {
            return Err(PatternError::TwoStars(pattern.to_owned()));
        }
        if pattern.contains('\0') {
            return Err(PatternError::Nul(pattern.to_owned()));
        }
        Ok(Self { texts: pattern.split('*').map(str::to_owned).collect() })
    }

    fn allows(&self, argument: &str) -> bool {
        let Some((first, others)) = self.texts.split_first() else { return false };
        let Some((last, middle)) = others.split_last() else { return first == argument };
        // A program takes what begins with `-` for an option, so only the operator's own text may begin so.
        if first.is_empty() && argument.starts_with('-') {
            return false;
        }
        let Some(mut left) = argument.strip_prefix(first.as_str()) else { return false };
        // The earliest place leaves the most for those that follow.
        for text in middle {
            let Some(at) = left.find(text.as_str()) else { return false };
            left = &left[at + text.len()..];
        }
        left.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_allowed_by_their_patterns_alone() {
        let table: [(&[&str], &[&str], bool); 31] = [
            (&[], &[], true),
            (&[], &["a"], false),
            (&["a"], &["a"], true),
            (&["a"], &[], false),
            (&["a"], &["a", "b"], false),
            (&["a"], &["A"], false),
            (&["*"], &["anything at all"], true),
            (&["*"], &[""], true),
            (&["*"], &["; rm -rf / && $(id) `id` | > x"], true),
            (&["*"], &["-x"], false),
            (&["*"], &["--output=/etc/passwd"], false),
            (&["*"], &["-"], false),
            (&["*-x"], &["-x"], false),
            (&["*-x"], &["a-x"], true),
            (&["-*"], &["-x"], true),
            (&["--since=*"], &["--since=-1"], true),
            (&["--since=*"], &["--until=1"], false),
            (&["--since=*"], &["--since="], true),
            (&["a*b"], &["ab"], true),
            (&["a*b"], &["a"], false),
            (&["a*a"], &["a"], false),
            (&["a*b*c"], &["a-b-b-c"], true),
            (&["a*b*c"], &["a-c-b"], false),
            (&["*b*"], &["abc"], true),
            (&["a\nb*"], &["a\nbc"], true),
            (&["**"], &[], true),
            (&["**"], &["--output=x", "-y", "z"], true),
            (&["log", "**"], &["log"], true),
            (&["log", "**"], &["push", "log"], false),
            (&["*"], &["a\0b"], false),
            (&["**"], &["a\0b"], false),
        ];
        for (patterns, arguments, allowed) in table {
            let parsed = Patterns::parse(patterns).expect("patterns");
            assert_eq!(parsed.allow(arguments), allowed, "{patterns:?} for {arguments:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let table: [(&[&str], PatternError); 4] = [
            (&["**", "a"], PatternError::NotLast),
            (&["a**"], PatternError::TwoStars("a**".to_owned())),
            (&["***"], PatternError::TwoStars("***".to_owned())),
            (&["a\0"], PatternError::Nul("a\0".to_owned())),
        ];
        for (patterns, error) in table {
            assert_eq!(Patterns::parse(patterns), Err(error), "{patterns:?}");
        }
    }
}
