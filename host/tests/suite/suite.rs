//! The suite that runs against a server in several ways: as tests, one for each way, and as a drill, in all ways with
//! figures.

mod stage;
pub(crate) mod steps;
pub(crate) mod surface;
pub(crate) mod way;

pub(crate) use self::stage::{Stage, Tally};
