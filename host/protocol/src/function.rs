//! What a function declares about itself, parsed from a component's manifest and checked before anything is synced.
//!
//! [`Manifest::parse`] is the entry; docs/guests.md describes the members.

mod checkpointing;
mod declared;
mod flow;
mod lifecycle;
mod manifest;
mod members;
mod mode;
mod trigger;

pub use checkpointing::Checkpointing;
pub use declared::{DeclaredEvent, DeclaredStep, LARGEST_SCHEMA};
pub use flow::{Batch, Concurrency, Debounce, RateLimit, Scope, Throttle};
pub use lifecycle::{CancelOn, Singleton, SingletonMode, Timeouts};
pub use manifest::{Manifest, ManifestError, RefusedFunction};
pub use mode::Mode;
pub use trigger::Trigger;

use crate::expression::Expression;
use crate::id::FunctionId;
use crate::role::Role;

/// The most triggers a function may have.
pub const MAX_TRIGGERS: usize = 10;

/// How many times the server tries again after the first attempt. Never 0: with no retry, one lost connection fails
/// the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retries(u8);

impl Retries {
    /// What the server assumes when a function says nothing.
    pub const DEFAULT: Self = Self(4);

    /// Accepts 1 to 20.
    pub fn new(retries: u64) -> Option<Self> {
        u8::try_from(retries).ok().filter(|n| (1..=20).contains(n)).map(Self)
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// A function as its component declares it. Only [`Manifest::parse`] makes one, so what it says can be synced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionConfig {
    /// Its id within the app.
    pub id: FunctionId,
    /// What people call it.
    pub name: String,
    /// What starts it; one to ten.
    pub triggers: Vec<Trigger>,
    /// Retries after the first attempt; absent means the server's default, four.
    pub retries: Option<Retries>,
    /// How many steps execute at once: none, one or two limits.
    pub concurrency: Vec<Concurrency>,
    /// How many runs start in a time; the others wait.
    pub throttle: Option<Throttle>,
    /// How many events start a run in a time; the others start none.
    pub rate_limit: Option<RateLimit>,
    /// Whether events that follow each other closely start one run.
    pub debounce: Option<Debounce>,
    /// Whether several events start one run together.
    pub batch: Option<Batch>,
    /// By how many seconds a run goes before others, which are negative for after.
    pub priority: Option<Expression>,
    /// Events that cancel runs; five at most.
    pub cancel_on: Vec<CancelOn>,
    /// After which time a run is cancelled.
    pub timeouts: Timeouts,
    /// A second event with the same value within a day starts nothing.
    pub idempotency: Option<Expression>,
    /// Whether there is one run at a time.
    pub singleton: Option<Singleton>,
    /// When results are stored while the function goes on.
    pub checkpoint: Checkpointing,
    /// Which version of the code a run goes on with.
    pub mode: Mode,
    /// The role it asks for; absent, its component's imports decide alone. Only `host` can be asked for: a component
    /// that needs a host cannot be moved off it.
    pub role: Option<Role>,
    /// The steps that its SDK could read off its code, in their order there. Informational: it may be incomplete, and
    /// empty says nothing.
    pub steps: Vec<DeclaredStep>,
    /// What is known of the events that start it. Informational, too.
    pub input: Vec<DeclaredEvent>,
}
