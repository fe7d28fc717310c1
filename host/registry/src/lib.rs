//! Which code answers for which function, and how new code takes its place.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`activation`] | one line of the activation log: from when on which code is active for a function |
//! | [`history`] | all lines, in order: which version a run began with, and which may answer its calls |
//! | [`log`] | the lines on disk: one file, shared by several workers, that only ever grows |
//! | [`store`] | the components on disk, under their digests |
//! | [`judge`] | whether a canary is promoted, rolled back or held |

pub mod activation;
pub mod history;
pub mod judge;
pub mod log;
pub mod store;
