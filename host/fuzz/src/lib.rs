//! What must hold whatever comes in, as functions over bytes.
//!
//! Each function panics where it finds its property broken. The fuzzer calls them with inputs that it makes up
//! (`host/fuzz/run`), the tests of this crate with the inputs in `corpus/`: seeds made of recordings, and whatever broke a
//! property once. The form of each target's inputs stands in its module; they are text where that can be.

pub mod arguments;
pub mod call;
pub mod cel;
pub mod connect;
pub mod destination;
pub mod grants;
mod json;
pub mod replay;
mod reply;
pub mod signature;
pub mod webhook;

/// Something that must hold for any input; it panics where it does not.
pub type Check = fn(&[u8]);

/// The targets, by the names of their corpora.
pub const TARGETS: [(&str, Check); 9] = [
    ("arguments", arguments::check),
    ("call", call::check),
    ("cel", cel::check),
    ("connect", connect::check),
    ("destination", destination::check),
    ("grants", grants::check),
    ("replay", replay::check),
    ("signature", signature::check),
    ("webhook", webhook::check),
];

/// The target of this name.
///
/// ```
/// assert!(fuzz::target("call").is_some() && fuzz::target("weather").is_none());
/// ```
pub fn target(name: &str) -> Option<Check> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}
