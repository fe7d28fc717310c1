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
//!                     │           └─────► gateway ◄── workers that dialled in (Connect)
//!                     └──────► requester ──► whomever a step wants to ask
//! ```
//!
//! One task owns the machine. Everybody else sends it a message and reads through it.
//!
//! # What it does as a real server does
//!
//! Every op of a reply but `SyncRunComplete`: steps, sleeps, waits for events and signals, invocations, requests and
//! questions to models, which the engine makes itself; races and both execution versions. Checkpoints, with dispatches
//! that have been followed by another refused. Cancellation by events, timeouts and hand; batches; idempotency; events
//! of the future; schedules; the news of ended runs; reruns, also from a step with edited arguments. State that is too
//! large for a call is left out and handed over when asked for. Flow control: concurrency of calls and of runs,
//! throttles, rate limits, debouncing, priority, singletons.
//!
//! # What it does not
//!
//! - A debounced run starts when its period is over; on the real server it is about a second later.
//! - Deferred runs (`DeferAdd`, `DeferAbort`) are dropped with a warning; they never decide how their run goes on.
//! - Steps that a worker reports as streamed replies or as durable endpoints; `GraphQL`; traces.
//! - A run is canceled at the very moment its `timeouts` end. It does not cancel the runs it has invoked.
//! - The results of an ended run's steps stay in the store for as long as the run, a week, so that it can be run again.

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
mod flow;
mod function;
mod gateway;
mod machine;
pub mod offline;
mod op;
mod options;
mod queue;
mod reply;
mod request;
mod requester;
mod run;
mod server;
mod store;
mod trace_context;
mod waiting;

pub use activity::{Activity, Happening, Held};
pub use error::EngineError;
pub use event::EventId;
pub use options::{Data, GatewayOptions, Options, PageAccess, Sample};
pub use server::Engine;
