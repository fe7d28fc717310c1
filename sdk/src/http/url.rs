//! The parts of a URL, no more of the standard than servers' addresses need.

/// What is said where a URL cannot be taken apart.
pub(super) const FORM: &str = "the URL is not of the form `http[s]://host[:port][/path]`";

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Over TLS.
    pub(super) secure: bool,
    /// The host, with its port if one is given.
    pub(super) authority: &'a str,
    /// The path with its query; never empty.
    pub(super) path: String,
}

impl<'a> Target<'a> {
    /// Takes a URL apart. A fragment is left out; a user name or password is refused, since it would
    /// end up in logs.
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains('@') {
            return None;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Some(Self { secure, authority, path: format!("{slash}{path}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parts = |url| Target::of(url).map(|t| (t.secure, t.authority, t.path));
        assert_eq!(parts("http://a:80"), Some((false, "a:80", "/".to_owned())));
        assert_eq!(parts("HTTPS://a/b?c=d#e"), Some((true, "a", "/b?c=d".to_owned())));
        assert_eq!(parts("http://a?b=/c"), Some((false, "a", "/?b=/c".to_owned())));
        for bad in ["", "a", "ftp://a", "http://", "http:///b", "http://user:word@a/"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
