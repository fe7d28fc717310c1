//! Bytes, read as what they are.

use serde::de::DeserializeOwned;

use crate::error::Error;

/// A value of Redis: bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value(Vec<u8>);

impl Value {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, taken.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// As text. Fails for good for what is none.
    pub fn str(&self) -> crate::Result<&str> {
        std::str::from_utf8(&self.0)
            .map_err(|problem| Error::stop(format!("a value of Redis is no text: {problem}")))
    }

    /// As JSON. Fails for good for what does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> crate::Result<T> {
        serde_json::from_slice(&self.0).map_err(|problem| {
            let kind = std::any::type_name::<T>();
            Error::stop(format!("a value of Redis does not fit `{kind}`: {problem}"))
        })
    }
}

impl std::fmt::Debug for Value {
    /// Says how long it is: values do not belong into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_what_they_are() {
        let value = Value::new(b"[1,2]".to_vec());
        assert_eq!(value.str().expect("text"), "[1,2]");
        assert_eq!(value.json::<Vec<u8>>().expect("JSON"), [1, 2]);
        assert!(value.json::<String>().is_err());
        assert!(Value::new(vec![0xff]).str().is_err());
        assert_eq!(format!("{value:?}"), "Value(5 bytes)");
    }
}
