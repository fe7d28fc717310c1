//! Checks the health of the system, tells people of changes and of nothing else, and asks for healing. See the README
//! for the functions.

mod check;
mod convex;
mod day;
mod digest;
mod drift;
mod errors;
mod gate;
mod healing;
mod latch;
mod notices;
mod probes;
mod report;
mod request;
mod resolve;
mod schedule;
mod settings;
mod summary;
mod transition;
mod typesense;

use system_bus_sdk::component;

pub use self::check::check_system_health;
pub use self::convex::Pushed;
pub use self::digest::{Digested, health_daily_digest};
pub use self::gate::Gate;
pub use self::healing::{Asked, HealingRequested};
pub use self::latch::{Kind, Transition};
pub use self::report::{Found, Report, Status};
pub use self::request::{HealthRequest, Mode};
pub use self::resolve::{Endpoint, Service, Skipped};
pub use self::schedule::{Scheduled, health_signals_schedule};
pub use self::transition::Receipt;
pub use self::typesense::{Signal, State};

/// Who is named in records. What it records itself does not count as a failure of the system.
const COMPONENT: &str = "check-system-health";
/// What requests and payloads name as their source.
const SOURCE: &str = "system/check-system-health";

component![check_system_health, health_daily_digest, health_signals_schedule];

#[cfg(test)]
mod tests;
