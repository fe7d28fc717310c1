//! Which code answers for which function, and how new code takes its place.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`activation`] | one line of the activation log: from when on which code is active for a function |

pub mod activation;
