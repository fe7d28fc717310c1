//! The page: its commands, what it shows of their answers, and whether that is what they answered.

/// What the page says at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'p> {
    /// Commands, to be run together.
    Command(&'p str),
    /// What the commands before it answer.
    Shown(&'p str),
    /// Runs sleep from here on.
    Runs,
}

const RUNS: &str = "<!-- a run of each function sleeps -->";

/// The parts of a page, in their order.
pub(crate) fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (at, piece) in page.split("```").enumerate() {
        if at % 2 == 0 {
            parts.extend(piece.contains(RUNS).then_some(Part::Runs));
        } else if let Some(command) = piece.strip_prefix("sh\n") {
            parts.push(Part::Command(command.trim()));
        } else if let Some(shown) = piece.strip_prefix("text\n") {
            parts.push(Part::Shown(shown));
        }
    }
    parts
}

/// Whether an answer has these lines, one after the other; a line `…` stands for any number of them, and at the end of a
/// line for its rest. Spaces, digests and frames do not matter. The first line that is missing, if one is.
pub(crate) fn compare<'p>(shown: &'p str, said: &str) -> Result<(), &'p str> {
    let said: Vec<_> = said.lines().map(plain).filter(|line| !line.is_empty()).collect();
    let (mut at, mut anywhere) = (0, false);
    for line in shown.lines().filter(|line| !line.trim().is_empty()) {
        let wanted = plain(line);
        if wanted == "…" {
            anywhere = true;
            continue;
        }
        let is = |line: &String| match wanted.strip_suffix('…') {
            Some(beginning) => line.starts_with(beginning.trim_end()),
            None => *line == wanted,
        };
        let reach = if anywhere { said.len() } else { said.len().min(at + 1) };
        let found = said.get(at..reach).and_then(|lines| lines.iter().position(is));
        at += found.ok_or(line)? + 1;
        anywhere = false;
    }
    if anywhere || at == said.len() { Ok(()) } else { Err("nothing more") }
}

/// A line without what differs from time to time.
fn plain(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let inner = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let digest = inner.len() == 12 && inner.chars().all(|c| c.is_ascii_hexdigit());
        if digest { word.replace(inner, "#") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_falls_into_commands_and_what_they_show() {
        let page = "a\n```sh\nls\n```\nb\n```toml\nx = 1\n```\n<!-- a run of each function sleeps -->\n```text\nc\n```\n";
        assert_eq!(parts(page), [Part::Command("ls"), Part::Runs, Part::Shown("c\n")]);
    }

    #[test]
    fn answers_are_compared_line_by_line() {
        let said = "activated     one   0123456789ab\nmore\n\nin 7 ms\n";
        for (shown, same) in [
            ("activated one #\nmore\nin 7 ms", true),
            ("activated one #\n…\nin …", true),
            ("…\nin 7 ms", true),
            ("activated one #\nin 7 ms", false),
            ("activated one #\nmore", false),
            ("activated two #\n…", false),
            ("in 7 ms\nmore\n…", false),
            ("…\nmore\n…\nactivated one #", false),
        ] {
            assert_eq!(compare(shown, said).is_ok(), same, "{shown}");
        }
    }
}
