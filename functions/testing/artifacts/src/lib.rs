//! The test guests, built: a constant with the path of each.
//!
//! A crate with tests of guests asserts with [`for_each_guest!`] that it has a module for every one of them, so a
//! guest without a test does not build.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
