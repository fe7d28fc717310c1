//! An embedded, Inngest-compatible engine for development, demos and tests.
//!
//! It receives events, keeps runs, and calls a worker over HTTP until they are done. It depends on neither the
//! runtime nor the worker: it speaks the wire, so whatever works with it works with a real server. Its state
//! survives a restart, `kill -9` included; it is still one process on one machine, and no production server.
//!
//! ```text
//!  HTTP ──► api ──► driver ──► machine      pure: inputs and time in, calls and records out
//!                     │ └────► store        records, committed before anything else happens
//!                     └──────► caller ──► the worker
//!                                 └─────► gateway ◄── workers that dialled in (Connect)
//! ```
//!
//! One task owns the machine. Everybody else sends it a message and reads through it.

mod activity;
mod api;
mod app;
mod backoff;
mod call;
mod caller;
mod condition;
mod driver;
mod duration;
mod entropy;
mod error;
mod event;
mod function;
mod gateway;
mod machine;
mod op;
mod options;
mod queue;
mod reply;
mod request;
mod requester;
mod run;
mod server;
mod store;
mod waiting;

pub use activity::{Activity, Happening};
pub use error::EngineError;
pub use event::EventId;
pub use options::{Data, GatewayOptions, Options};
pub use server::Engine;
