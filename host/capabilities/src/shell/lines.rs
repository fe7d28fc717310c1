//! Output as log lines, with the names of secrets in the place of the secrets.

use runtime::capability::Guard;

/// The longest line that is logged in one piece, in bytes.
const LONGEST: usize = 8 * 1024;

/// One stream on its way to the log.
///
/// A secret may come in pieces, and may have line ends in it. So with secrets, lines are held back until so much has
/// followed that none can begin in them: twice as many bytes as the longest form of a secret has, at most.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Not looked through yet, or not to the end of what may be a secret.
    raw: Vec<u8>,
    /// Looked through; the beginning of a line.
    clean: Vec<u8>,
}

impl Lines {
    /// Takes what came, and logs the lines that are complete.
    pub(crate) fn take(&mut self, piece: &[u8], guard: &dyn Guard, log: impl FnMut(&[u8])) {
        self.raw.extend(piece);
        let reach = guard.longest();
        // Not before as much is new as was looked through already, so that one byte at a time costs no more.
        if reach > 0 && self.raw.len() < 2 * reach {
            return;
        }
        self.look_through(self.raw.len() - reach.saturating_sub(1), guard);
        self.log_lines(log);
    }

    /// Logs what is left: nothing follows.
    pub(crate) fn end(&mut self, guard: &dyn Guard, mut log: impl FnMut(&[u8])) {
        self.look_through(self.raw.len(), guard);
        self.log_lines(&mut log);
        if !self.clean.is_empty() {
            log(&std::mem::take(&mut self.clean));
        }
    }

    /// Moves what stands before `known` into the clean part, and each secret that begins there as a whole.
    fn look_through(&mut self, known: usize, guard: &dyn Guard) {
        let mut at = 0;
        for secret in guard.secrets_in(&self.raw) {
            if secret.at.start >= known {
                break;
            }
            self.clean.extend(&self.raw[at..secret.at.start]);
            self.clean.extend(format!("[secret {}]", secret.name).as_bytes());
            at = secret.at.end;
        }
        let end = known.max(at);
        self.clean.extend(&self.raw[at..end]);
        self.raw.drain(..end);
    }

    fn log_lines(&mut self, mut log: impl FnMut(&[u8])) {
        let mut left = self.clean.as_slice();
        loop {
            match memchr::memchr(b'\n', left) {
                Some(end) if end <= LONGEST => {
                    log(&left[..end]);
                    left = &left[end + 1..];
                }
                _ if left.len() > LONGEST => {
                    log(&left[..LONGEST]);
                    left = &left[LONGEST..];
                }
                _ => break,
            }
        }
        let logged = self.clean.len() - left.len();
        self.clean.drain(..logged);
    }
}

#[cfg(test)]
mod tests {
    use runtime::capability::Secret;

    use super::*;

    /// Knows these secrets, all called `key`.
    struct Knows(&'static [&'static str]);

    impl Guard for Knows {
        fn secrets_in(&self, bytes: &[u8]) -> Vec<Secret> {
            let text = std::str::from_utf8(bytes).expect("ASCII");
            let places = self
                .0
                .iter()
                .flat_map(|secret| text.match_indices(secret).map(|(at, _)| at..at + secret.len()));
            let mut places: Vec<_> = places.collect();
            places.sort_by_key(|place| place.start);
            places.into_iter().map(|at| Secret { at, name: "key".to_owned() }).collect()
        }

        fn has_placeholder(&self, _bytes: &[u8]) -> bool {
            false
        }

        fn longest(&self) -> usize {
            self.0.iter().map(|secret| secret.len()).max().unwrap_or(0)
        }
    }

    /// What is logged of a text that comes in pieces of this size.
    fn logged(guard: &dyn Guard, text: &str, size: usize) -> Vec<String> {
        let (mut lines, mut logged) = (Lines::default(), Vec::new());
        let mut log = |line: &[u8]| logged.push(String::from_utf8_lossy(line).into_owned());
        for piece in text.as_bytes().chunks(size) {
            lines.take(piece, guard, &mut log);
        }
        lines.end(guard, &mut log);
        logged
    }

    #[test]
    fn a_secret_is_found_however_it_comes() {
        let table: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("a\nb", &["a", "b"]),
            ("a\n\nb\n", &["a", "", "b"]),
            ("it is hunter2\n", &["it is [secret key]"]),
            ("hunter2hunter2", &["[secret key][secret key]"]),
            ("<two\nlines>", &["<[secret key]>"]),
            ("hunter\n2", &["hunter", "2"]),
            (
                "long before it hunter2 and long behind it",
                &["long before it [secret key] and long behind it"],
            ),
        ];
        for (text, expected) in table {
            for size in 1..=text.len().max(1) {
                let found = logged(&Knows(&["hunter2", "two\nlines"]), text, size);
                assert_eq!(found, expected, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn without_secrets_a_line_is_logged_when_it_is_there() {
        let (mut lines, mut count) = (Lines::default(), 0);
        lines.take(b"one\ntwo", &Knows(&[]), |_| count += 1);
        assert_eq!(count, 1);
    }

    #[test]
    fn a_line_without_end_is_logged_in_pieces() {
        let lengths: Vec<_> = logged(&Knows(&[]), &"x".repeat(2 * LONGEST + 1), 4096)
            .iter()
            .map(String::len)
            .collect();
        assert_eq!(lengths, [LONGEST, LONGEST, 1]);
    }
}
