//! What is wrong with a server and its workers, and what to do about it.
//!
//! [`look`] gathers what is known, and [`findings::of`] says what is wrong with that: without I/O, so that each finding has a
//! test.

pub(crate) mod facts;
pub(crate) mod findings;
mod looking;

pub(crate) use self::looking::look;
