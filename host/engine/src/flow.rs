//! Flow control: how often and how many at a time. Rules, names and counts; who asks for them is the machine and the
//! queue.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `rules` | what a function declares |
//! | `keys` | what an event makes of those rules: the names under which a run is counted |
//! | `meter` | rates: how many may start within a period |
//! | `permits` | counts: how many are at it now |

mod keys;
mod meter;
mod permits;
mod rules;

pub(crate) use keys::{Keys, Start};
pub(crate) use meter::{Meters, Rate};
pub(crate) use permits::{Lack, Need, Permits};
pub(crate) use rules::{Concurrency, Debounce, FlowRules, Keyed, Scope, Singleton, SingletonMode};
