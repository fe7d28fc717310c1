//! Vaults in memory, and a Convex that the test plays.

mod comparisons;
mod convex;
mod pure;
mod syncs;
