//! Names and paths from events, which anybody may have written.

/// Whether this is a plain name: no option, no path, and nothing that leads upwards.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && name.chars().all(plain)
        && !name.starts_with(['-', '.'])
        && !name.contains("..")
}

/// A path below a folder: a relative one as it is, an absolute one without the folder. None for what lies elsewhere.
#[must_use]
pub fn below(path: &str, folder: Option<&str>) -> Option<String> {
    let inner = match (path.strip_prefix('/'), folder) {
        (None, _) => path,
        (Some(_), Some(folder)) => path.strip_prefix(folder)?.strip_prefix('/')?,
        (Some(_), None) => return None,
    };
    let inner = inner.trim_end_matches('/');
    let good = |part: &str| !part.is_empty() && part != "." && part != "..";
    inner.split('/').all(good).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_lie_below_their_folder() {
        for (project, folder, found) in [
            ("joelclaw", None, Some("joelclaw")),
            ("/code/joelclaw/", Some("/code"), Some("joelclaw")),
            ("/code/team/app", Some("/code"), Some("team/app")),
            ("/code", Some("/code"), None),
            ("/codes/app", Some("/code"), None),
            ("/code/app", None, None),
            ("/code/../etc", Some("/code"), None),
            ("../etc", None, None),
            ("", None, None),
        ] {
            assert_eq!(below(project, folder).as_deref(), found, "{project} {folder:?}");
        }
    }

    #[test]
    fn names_are_no_options_and_no_paths() {
        for (name, good) in [
            ("loop-01", true),
            ("agent.v2", true),
            ("-f", false),
            ("..", false),
            ("a..b", false),
            ("a b", false),
            ("a/b", false),
            ("", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
