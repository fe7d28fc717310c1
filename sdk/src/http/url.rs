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

    /// The server: scheme, host and port, in the spelling that two of them are compared in.
    pub(super) fn origin(&self) -> (bool, String, &str) {
        let (host, port) = match self.authority.rsplit_once(':') {
            // The last colon of a bare IPv6 address does not begin a port.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (self.authority, ""),
        };
        let own = if self.secure { "443" } else { "80" };
        (self.secure, host.to_ascii_lowercase(), if port.is_empty() { own } else { port })
    }

    /// The URL that a reference on this page means (RFC 3986 §5.2), without its fragment. One with another scheme comes out
    /// as it is.
    pub(super) fn join(&self, reference: &str) -> String {
        let reference = reference.split('#').next().unwrap_or(reference);
        if has_scheme(reference) {
            return reference.to_owned();
        }
        let scheme = if self.secure { "https" } else { "http" };
        if reference.starts_with("//") {
            return format!("{scheme}:{reference}");
        }
        let own = self.path.split('?').next().unwrap_or(&self.path);
        let path = if reference.is_empty() {
            self.path.clone()
        } else if reference.starts_with('?') {
            format!("{own}{reference}")
        } else {
            let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
            let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path =
                if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
            without_dots(&path) + query
        };
        format!("{scheme}://{}{path}", self.authority)
    }
}

/// Whether a reference begins with a scheme, and so stands for itself.
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(within)
    })
}

/// A path with its parts `.` and `..` resolved; `..` leads no higher than the top.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                // What names a folder ends in a slash.
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
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

    #[test]
    fn references_are_resolved() {
        let base = Target::of("http://a:81/b/c/d?q").expect("a URL");
        for (reference, expected) in [
            ("https://x/y#z", "https://x/y"),
            ("ftp://x", "ftp://x"),
            ("//x/y", "http://x/y"),
            ("/y/./z/../w?v=/../u", "http://a:81/y/w?v=/../u"),
            ("g", "http://a:81/b/c/g"),
            ("./g/", "http://a:81/b/c/g/"),
            ("..", "http://a:81/b/"),
            ("../../../../g", "http://a:81/g"),
            ("?y", "http://a:81/b/c/d?y"),
            ("#s", "http://a:81/b/c/d?q"),
            ("g?at=b:c", "http://a:81/b/c/g?at=b:c"),
            ("/a:b", "http://a:81/a:b"),
        ] {
            assert_eq!(base.join(reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_server_is_the_same_in_every_spelling() {
        let origin = |url| {
            Target::of(url).map(|target| {
                let (secure, host, port) = target.origin();
                (secure, host, port.to_owned())
            })
        };
        for (one, other, same) in [
            ("http://a/x", "HTTP://A:80/y", true),
            ("https://a", "https://a:443", true),
            ("http://[::1]", "http://[::1]:80", true),
            ("http://a", "https://a", false),
            ("http://a", "http://a:81", false),
            ("http://a", "http://b.a", false),
            ("http://[::1]", "http://[::1]:81", false),
        ] {
            assert_eq!(origin(one) == origin(other), same, "{one} {other}");
        }
    }
}
