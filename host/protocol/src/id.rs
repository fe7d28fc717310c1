//! Identities, parsed once at the edge and carried as types from there on.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::de::Visitor;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// Why a text is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {text:?} {problem}")]
pub struct IdError {
    kind: &'static str,
    text: String,
    problem: &'static str,
}

/// The longest app or function id accepted, in bytes.
pub const MAX_ID_BYTES: usize = 128;

fn check(kind: &'static str, text: &str, also: &[char]) -> Result<(), IdError> {
    let fault = |problem| IdError { kind, text: text.chars().take(80).collect(), problem };
    if text.is_empty() {
        return Err(fault("is empty"));
    }
    if text.len() > MAX_ID_BYTES {
        return Err(fault("is longer than 128 bytes"));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(fault("must begin with an ASCII letter or digit"));
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(&c)) {
        return Err(fault("may hold only ASCII letters, digits and a few of - _ . /"));
    }
    Ok(())
}

/// An Inngest app: one worker's set of functions, such as `system-bus-host`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AppId(String);

/// A function within its app, such as `check/system-health`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FunctionId(String);

macro_rules! text_id {
    ($name:ident, $kind:literal, $also:expr) => {
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check($kind, text, $also)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(AppId, "app id", &['-', '_', '.']);
text_id!(FunctionId, "function id", &['-', '_', '.', '/']);

impl AppId {
    /// The server's name of a function of this app: `<app>-<function>`.
    pub fn slug(&self, function: &FunctionId) -> String {
        format!("{}-{}", self.0, function.0)
    }

    /// The function that a slug of this app names; `None` when it belongs to another app.
    pub fn function_of<'s>(&self, slug: &'s str) -> Option<&'s str> {
        slug.strip_prefix(self.0.as_str())?.strip_prefix('-')
    }
}

impl<'de> Deserialize<'de> for AppId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(PhantomData))
    }
}

impl<'de> Deserialize<'de> for FunctionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(PhantomData))
    }
}

/// A run: a ULID the server mints when it schedules the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(ulid::Ulid);

impl RunId {
    /// The time the run was scheduled, in milliseconds since 1970, as the id carries it.
    pub fn unix_millis(self) -> u64 {
        self.0.timestamp_ms()
    }

    /// The sixteen bytes of the id.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }
}

impl From<ulid::Ulid> for RunId {
    fn from(id: ulid::Ulid) -> Self {
        Self(id)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // The library reads texts of more than 128 bits too, and drops what is too much: another run's id.
        let id = ulid::Ulid::from_string(text).ok().map(Self);
        id.filter(|id| id.to_string().eq_ignore_ascii_case(text)).ok_or_else(|| IdError {
            kind: "run id",
            text: text.chars().take(80).collect(),
            problem: "is not a ULID of 26 characters",
        })
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
    }
}

impl Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(PhantomData))
    }
}

/// Parses a text where it stands. A call has two step ids for each memo: none shall cost an allocation.
struct FromText<T>(PhantomData<T>);

impl<T: FromStr<Err = IdError>> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of an id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// The server's identity of a step: the SHA-1 of its name. [`crate::step`] owns the rule for names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId([u8; 20]);

impl StepId {
    /// Hashes a step's name, repeat suffix included.
    ///
    /// ```
    /// let id = protocol::id::StepId::hash("step-1");
    /// assert_eq!(id.to_string(), "cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa");
    /// ```
    pub fn hash(name: &str) -> Self {
        Self(Sha1::digest(name.as_bytes()).into())
    }

    /// The hash's bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl FromStr for StepId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 20];
        // A call with a thousand memos has two thousand of them, so they are read by table.
        let digits = text.len() == 2 * bytes.len();
        if !digits || HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut bytes).is_err() {
            return Err(IdError {
                kind: "step id",
                text: text.chars().take(80).collect(),
                problem: "is not the 40 hexadecimal digits of a SHA-1",
            });
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 40];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepId({self})")
    }
}

impl Serialize for StepId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StepId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_parsed_or_refused_with_their_kind() {
        for good in ["a", "check/system-health", "A.b_c-9"] {
            assert_eq!(good.parse::<FunctionId>().expect(good).as_str(), good);
        }
        for (bad, says) in [
            ("", "function id \"\" is empty"),
            ("-a", "must begin with"),
            ("a b", "may hold only"),
            ("ä", "must begin with"),
        ] {
            let error = bad.parse::<FunctionId>().expect_err(bad).to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!("a/b".parse::<AppId>().is_err(), "a slash would change the app's routes");
        assert!("x".repeat(129).parse::<AppId>().is_err());
    }

    #[test]
    fn a_slug_joins_app_and_function_and_comes_apart_again() {
        let app: AppId = "system-bus-host".parse().expect("an id");
        let function: FunctionId = "check/system-health".parse().expect("an id");
        let slug = app.slug(&function);
        assert_eq!(slug, "system-bus-host-check/system-health");
        assert_eq!(app.function_of(&slug), Some(function.as_str()));
        assert_eq!(app.function_of("other-check/system-health"), None);
        assert_eq!(app.function_of("system-bus-hostx"), None);
    }

    #[test]
    fn step_ids_are_sha1_of_the_name() {
        // The vectors of the specification.
        for (name, hash) in [
            ("step-1", "cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa"),
            ("step-2", "e64b25e67dec6c8d30e63029286ad7b6d263931d"),
            ("my-step-id", "e7d8a2f140845095749d60246ff1110c9d01d76a"),
            ("my-step-id:1", "f47c6228c581af870aa285200cf95ec3ac59bb6a"),
        ] {
            let id = StepId::hash(name);
            assert_eq!(id.to_string(), hash);
            assert_eq!(hash.parse::<StepId>(), Ok(id));
        }
        assert!("cd59".parse::<StepId>().is_err());
        assert!("zz59ee9a8137151d1499d3d2eb40ba51aa91e0aa".parse::<StepId>().is_err());
    }

    #[test]
    fn a_run_id_carries_the_time_it_was_minted() {
        let id: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("a ULID");
        assert_eq!(id.to_string(), "01M81GXW71CEV7JQT6T4T8NAKZ");
        assert_eq!(id.unix_millis(), 1_795_347_640_545);
        assert_eq!("01m81gxw71cev7jqt6t4t8nakz".parse(), Ok(id), "in lower case too");
        // One digit short, one that no ULID begins with, and letters that stand for digits.
        for bad in ["01M81", "81M81GXW71CEV7JQT6T4T8NAKZ", "O1M81GXW71CEV7JQT6T4T8NAKZ"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
