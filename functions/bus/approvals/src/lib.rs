//! Asks people whether an agent may do something, and records what they decide. See the README for the events.

mod records;
mod request;
mod resolve;

use system_bus_sdk::prelude::*;

pub use self::request::{ApprovalRequested, Request, Submitted, approval_request};
pub use self::resolve::{ApprovalResolved, Decision, Resolution, approval_resolve};

/// Who is named as the reviewer where nobody was asked.
pub const AUTO: &str = "system:auto-approve";

component![approval_request, approval_resolve];

#[cfg(test)]
mod tests;
