//! The manual: every kind of step and every option, each with an example that compiles.
//!
//! * [`steps`]: what a function can wait for, and how steps are combined.
//! * [`options`]: what the server shall do about runs, in `#[function(…)]`.
//! * [`failures`]: errors, retries, and functions for runs that failed.
//! * [`tests`]: running functions in ordinary tests.
//!
//! It has no code of its own.

#[doc = include_str!("manual/steps.md")]
pub mod steps {}

#[doc = include_str!("manual/options.md")]
pub mod options {}

#[doc = include_str!("manual/failures.md")]
pub mod failures {}

#[doc = include_str!("manual/tests.md")]
pub mod tests {}
