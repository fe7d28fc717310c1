//! Which code answers for which function, and how new code takes its place.
//!
//! A component is found by a [`source`], loaded and checked by a [`reload`], written down by the activation [`log`], and
//! from then on part of the present [`generation`]. What a run goes on with is decided by the [`history`] of the log and
//! the run's id; nothing is stored for a run.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`source`], [`folder`], [`oci`] | where components come from, and when that changes |
//! | [`reload`], [`rollback`] | what is there → the next generation, or an earlier one again |
//! | [`activation`] | one line of the activation log: from when on which code is active for a function |
//! | [`log`] | the file of these lines, which workers may share |
//! | [`history`] | the lines in memory: which version a run began with, and which may answer its calls |
//! | [`store`] | every component that runs may need, by digest |
//! | [`retention`] | which of them may go |
//! | [`registry`] | hands out the present generation, and for each call the code it is to run on |
//! | [`generation`], [`version`] | one immutable set of code; one component in memory |
//! | [`plan`] | what deploying other components would change, read off what both declare; [`Registry::preview`] has both |
//! | [`canary`], [`judge`] | what calls came to, and whether a canary stays |

pub mod activation;
pub mod canary;
pub mod folder;
pub mod generation;
pub mod history;
pub mod judge;
pub mod log;
pub mod oci;
pub mod plan;
pub mod registry;
pub mod reload;
pub mod retention;
pub mod rollback;
pub mod source;
pub mod store;
pub mod version;

pub use activation::{Activation, By, Percent};
pub use canary::{Counts, Seen};
pub use generation::{Absent, Active, Generation};
pub use registry::{
    Choice, FreeError, Kept, Missing, OpenError, Registry, RegistryOptions, Rejected,
};
pub use reload::{Next, Offer, Preview, ReloadError, Report, Request, Verdict};
pub use retention::{Reason, Rules};
pub use rollback::Back;
pub use version::{Lease, Version};
