//! Which version a component is, as bytes that a test can overwrite in the finished file: so there are as many versions
//! of it as a test wants, without a compiler.

/// How many bytes a mark takes: more than any compiler copies as numbers inside of code, so that it stays one piece.
pub const BYTES: usize = 96;

/// What a mark begins with, by which it is found in a component.
pub const PREFIX: &str = "this-component-is-version=";

/// What a mark is filled up with.
const FILL: u8 = b'.';

/// What a mark ends with.
const END: u8 = b';';

/// A version's mark.
#[derive(Debug)]
pub struct Mark([u8; BYTES]);

impl Mark {
    /// The mark of this version; of one that is too long, as much as there is room for.
    #[must_use]
    pub const fn of(version: &str) -> Self {
        let mut mark = [FILL; BYTES];
        let (mut at, mut of) = (0, 0);
        while at < PREFIX.len() {
            mark[at] = PREFIX.as_bytes()[at];
            at += 1;
        }
        while at < BYTES - 1 && of < version.len() {
            mark[at] = version.as_bytes()[of];
            (at, of) = (at + 1, of + 1);
        }
        mark[BYTES - 1] = END;
        Self(mark)
    }

    /// The version it says, as it is in the component now.
    #[must_use]
    pub fn version(&self) -> String {
        // The compiler must not know what it reads: somebody may have overwritten it since.
        let mark = std::hint::black_box(&self.0);
        let version = mark.iter().skip(PREFIX.len()).take_while(|byte| ![FILL, END].contains(byte));
        version.map(|byte| char::from(*byte)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_its_version_and_has_one_length() {
        static MARK: Mark = Mark::of("7");
        assert_eq!(MARK.version(), "7");
        assert!(MARK.0.starts_with(b"this-component-is-version=7.") && MARK.0.ends_with(b".;"));
        assert_eq!(Mark::of("").version(), "");
        assert_eq!(Mark::of(&"8".repeat(BYTES)).version().len(), BYTES - 1 - PREFIX.len());
    }
}
