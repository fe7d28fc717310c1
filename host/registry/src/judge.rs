//! Whether a canary is promoted, rolled back or held. Pure: from what was counted, a written policy and the time.
//!
//! # The test
//!
//! Counts are small, and often zero, so a difference is judged by Fisher's exact test, one-sided: how probable would at
//! least as many failures in the candidate be, if both versions failed equally often? Tests that approximate by a normal
//! distribution are wrong for counts below five, and an interval for each version (Wilson's) says less than the exact
//! comparison of the two when the base has many observations and the candidate few.
//!
//! What is compared are runs, and not attempts: the runs in which anything failed, be it only an attempt that was
//! repeated; and those in which it failed again and again, [`STUBBORN`] times or more. Attempts of one run depend on each
//! other, since a run with bad data fails in all of them, and a test that takes them for independent rolls back the
//! canary that happened to get that run. The ratios of attempts and of repeated calls are told with the verdict.
//!
//! A canary is judged again and again while it runs. Were each look allowed the same error, some look would find a
//! difference by chance. So the error that the policy allows is divided: among the two ratios, and among the doublings
//! of the number of runs, of which the first gets a quarter, the second a twelfth, then a twenty-fourth and so on. That
//! is half of it; the other half is for the looks within one doubling.
//! Simulated with the defaults and a look after each run, 17 of 2,000 canaries whose step fails in 30 % of the attempts
//! were rolled back although their base's does too, and 9 of 2,000 where 8 % of all runs are bad; against a base without
//! failures the first kind was found within 12 of its runs in half of the cases, and within 25 in 95 %.

mod fisher;
mod measure;
mod policy;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::policy::Policy;
pub use self::tally::{MAX_RUNS, STUBBORN, Tally};
pub use self::verdict::Verdict;
