//! One secret's bytes, in memory.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The bytes of a secret: wiped when the last one that holds them lets go, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Value(Arc<Zeroizing<Vec<u8>>>);

/// Why bytes are no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoValue {
    /// It occurs by chance.
    #[error(
        "it has {0} bytes, and fewer than {shortest} occur by chance in logs and results, where each occurrence would be taken for the secret: use a longer one",
        shortest = Value::SHORTEST
    )]
    Short(usize),
    /// It is no secret but a file.
    #[error("it has more than {longest} bytes", longest = Value::LONGEST)]
    Long,
}

impl Value {
    /// The fewest bytes of a secret.
    pub(super) const SHORTEST: usize = 6;
    /// The most bytes of one.
    pub(super) const LONGEST: usize = 64 * 1024;

    /// The bytes of a source, without the one line end that editors and programs put after it.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, NoValue> {
        let mut bytes = Zeroizing::new(bytes);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        match bytes.len() {
            short if short < Self::SHORTEST => Err(NoValue::Short(short)),
            long if long > Self::LONGEST => Err(NoValue::Long),
            _ => Ok(Self(Arc::new(bytes))),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_not_part_of_it_and_what_is_short_is_none() {
        for (bytes, value) in [
            (&b"hunter2"[..], Ok(&b"hunter2"[..])),
            (b"hunter2\n", Ok(b"hunter2")),
            (b"hunter2\r\n", Ok(b"hunter2")),
            (b"hunter2\n\n", Ok(b"hunter2\n")),
            (b"hunter2 ", Ok(b"hunter2 ")),
            (b"12345\n", Err(NoValue::Short(5))),
            (b"", Err(NoValue::Short(0))),
        ] {
            let parsed = Value::parse(bytes.to_vec());
            assert_eq!(parsed.as_ref().map(Value::bytes), value.as_ref().map(|v| *v));
        }
        assert!(Value::parse(vec![b'a'; Value::LONGEST]).is_ok());
        assert_eq!(Value::parse(vec![b'a'; Value::LONGEST + 1]), Err(NoValue::Long));
    }

    #[test]
    fn it_is_not_printed() {
        let value = Value::parse(b"hunter2".to_vec()).expect("long enough");
        assert!(!format!("{value:?}").contains("hunter2"));
    }
}
