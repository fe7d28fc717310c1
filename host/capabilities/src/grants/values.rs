//! Values of the operator's file.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// What roots, programs and secrets are called: 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The longest a name may be, in bytes.
    pub const LONGEST: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > Self::LONGEST || !text.chars().all(allowed) {
            return Err(de::Error::custom(format!(
                "the name {text:?} is none: write 1 to {} letters, digits, `-`, `_` and `.`",
                Self::LONGEST
            )));
        }
        Ok(Self(text))
    }
}

/// How many bytes: a number, or text such as `64KiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(bytesize::ByteSize);

impl Size {
    /// So many bytes.
    pub const fn of(bytes: u64) -> Self {
        Self(bytesize::ByteSize::b(bytes))
    }

    /// How many bytes that is.
    pub const fn bytes(self) -> u64 {
        self.0.as_u64()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl de::Visitor<'_> for Bytes {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size: a number of bytes, or a number and its unit such as `64KiB`")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size::of(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size::of).map_err(|_| {
                    E::custom(format!("the size {bytes} is less than nothing: write 0 or more"))
                })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map(Size).map_err(|_| {
                    E::custom(format!(
                        "{text:?} is no size: write a number and its unit, B, KiB, MiB or GiB, or a number of bytes"
                    ))
                })
            }
        }

        deserializer.deserialize_any(Bytes)
    }
}

/// How long: text such as `500ms`, `10s` or `24h`; more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Duration);

impl Time {
    /// This long.
    pub const fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// How long that is.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse::<jiff::SignedDuration>().ok();
        let duration = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
        duration.filter(|duration| !duration.is_zero()).map(Self).ok_or_else(|| {
            de::Error::custom(format!("{text:?} is no time: write one such as 500ms, 10s or 24h"))
        })
    }
}
