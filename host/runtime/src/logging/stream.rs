//! Bytes of a standard stream → lines that hold no secret.

use crate::capability::Guards;

/// What was written to one stream and not told yet: the beginning of a line, as a rule.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// So many of them were looked at, and no line ends there that could be told.
    seen: usize,
}

impl Pending {
    /// Adds what was written; answers with the lines that are whole now, without their ends.
    ///
    /// A secret that goes over several lines is only found whole. Where there is such a one, as much as it may be long is
    /// held back.
    pub(super) fn add(&mut self, bytes: &[u8], guards: &Guards) -> Vec<String> {
        self.bytes.extend_from_slice(bytes);
        let reach = guards.reach_over_lines();
        // Twice as much, so that nothing is looked through for each byte that a guest writes.
        if reach > 0 && self.bytes.len() < reach * 2 {
            return Vec::new();
        }
        // A secret that begins before this ends within what is there.
        let decided = self.bytes.len() - reach;
        let ends = |part: &[u8]| part.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let Some(mut end) = ends(&self.bytes[self.seen..decided]).map(|end| end + self.seen) else {
            self.seen = decided;
            return Vec::new();
        };
        if reach > 0 {
            // One that begins before and ends behind: what precedes it is told, and it comes with what follows.
            while let Some(across) = guards.across(&self.bytes, end) {
                end = ends(&self.bytes[..across]).unwrap_or(0);
            }
        }
        self.seen = decided - end;
        let rest = self.bytes.split_off(end);
        lines(&std::mem::replace(&mut self.bytes, rest), guards)
    }

    /// Nothing follows for now: what is there is told as it is.
    pub(super) fn end(&mut self, guards: &Guards) -> Vec<String> {
        self.seen = 0;
        lines(&std::mem::take(&mut self.bytes), guards)
    }

    /// An earlier call has told it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The lines in what was written, without secrets. Empty ones say nothing.
fn lines(bytes: &[u8], guards: &Guards) -> Vec<String> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let clean = guards.redact_after(bytes, 0);
    let lines =
        clean.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{guarded, guarded_over_lines};

    /// What comes of these writes: the lines after each, and those at the end.
    fn told(guards: &Guards, writes: &[&str]) -> Vec<Vec<String>> {
        let mut pending = Pending::default();
        let mut told: Vec<_> =
            writes.iter().map(|write| pending.add(write.as_bytes(), guards)).collect();
        told.push(pending.end(guards));
        told
    }

    #[test]
    fn a_line_is_told_when_it_is_whole() {
        let none = Guards::default();
        assert_eq!(
            told(&none, &["a", "b\nc", "\r\n\n  \nd\ne"]),
            [&[][..], &["ab"], &["c", "d"], &["e"]]
        );
        assert_eq!(told(&none, &[]), [&[][..] as &[&str]]);
        // Not UTF-8, and cut within a character that goes on.
        let mut pending = Pending::default();
        assert!(pending.add(&[0xc3], &none).is_empty());
        assert_eq!(pending.add(&[0xa9, b'\n', 0xff, b'\n'], &none), ["é", "\u{fffd}"]);
    }

    #[test]
    fn a_secret_is_not_told_however_the_writes_cut_it() {
        assert_eq!(
            told(&guarded(), &["it is hun", "ter2\nand hunter", "2"]),
            [&[][..], &["it is [secret door]"], &[], &["and [secret door]"]]
        );
    }

    #[test]
    fn a_secret_of_several_lines_is_not_told_wherever_it_stands() {
        let guards = guarded_over_lines();
        for before in 0..40 {
            for piece in [1, 3, 7, 100] {
                let text = format!(
                    "{}\nit is two\nlines and more\n{}",
                    "x".repeat(before),
                    ".\n".repeat(30)
                );
                let mut pending = Pending::default();
                let mut told: Vec<String> = Vec::new();
                for write in text.as_bytes().chunks(piece) {
                    told.extend(pending.add(write, &guards));
                }
                told.extend(pending.end(&guards));
                let told = told.join("|");
                assert!(told.contains("it is [secret pair] and more|.|."), "{told}");
                assert!(!told.contains("two") && !told.contains("lines"), "{told}");
            }
        }
    }
}
