//! A gateway over HTTP, in front of a server that takes events, refuses them, or is not there.

mod deliveries;
mod forwarding;
mod listening;
mod scene;
