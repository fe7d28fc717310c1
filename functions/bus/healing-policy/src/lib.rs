//! When healing is tried again, and when people are told instead. See the README.

mod answer;
mod decision;
mod number;
mod policy;

pub use self::decision::{Action, Decision};
pub use self::number::positive;
pub use self::policy::{Policy, Settings, is_on};

#[cfg(test)]
mod tests;
