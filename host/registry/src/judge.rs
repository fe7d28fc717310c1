//! Whether a canary is promoted, rolled back or held. Pure: from what was counted, a written policy and the time.
//!
//! # The test
//!
//! Counts are small, and often zero, so a difference is judged by Fisher's exact test, one-sided: how probable would at
//! least as many failures in the candidate be, if both versions failed equally often? Tests that approximate by a normal
//! distribution are wrong for counts below five, and an interval for each version (Wilson's) says less than the exact
//! comparison of the two when the base has many observations and the candidate few.
//!
//! Three ratios are compared: runs that had trouble, of all runs; failed attempts, of all attempts at steps; and repeated
//! calls, of all calls. Attempts of one run depend on each other: a run with bad data fails in all of them. So the last
//! two count as many observations as there were runs, and not as many as there were attempts.
//!
//! A canary is judged again and again while it runs. Were each look allowed the same error, some look would find a
//! difference by chance. So the error that the policy allows is divided: among the three ratios, and among the doublings
//! of the number of runs, of which the first gets a half, the second a sixth, then a twelfth and so on.

mod fisher;
mod measure;
mod policy;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::policy::Policy;
pub use self::tally::{MAX_RUNS, Tally};
pub use self::verdict::Verdict;
