//! Text that is put together while a component compiles.

/// The length of all parts together.
#[doc(hidden)]
pub const fn length(parts: &[&str]) -> usize {
    let (mut at, mut sum) = (0, 0);
    while at < parts.len() {
        sum += parts[at].len();
        at += 1;
    }
    sum
}

/// All parts, one after another; `LENGTH` is [`length`] of them.
#[doc(hidden)]
pub const fn join<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut all = [0; LENGTH];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            all[filled] = bytes[at];
            filled += 1;
            at += 1;
        }
        part += 1;
    }
    all
}

/// Bytes that were text, as text again.
#[doc(hidden)]
pub const fn text(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts joined are a text"),
    }
}

/// Joins constant texts into a `&'static str`.
#[doc(hidden)]
#[macro_export]
macro_rules! __joined {
    ($($part:expr),+ $(,)?) => {{
        const PARTS: &[&str] = &[$($part),+];
        const BYTES: [u8; $crate::declare::length(PARTS)] = $crate::declare::join(PARTS);
        $crate::declare::text(&BYTES)
    }};
}
