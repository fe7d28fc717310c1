//! The Inngest wire, without I/O and without a clock.
//!
//! Bytes and values come in, values and bytes go out; time is an argument. Nothing here knows HTTP servers,
//! sockets, components or the environment, so all of it is tested in milliseconds and shared by both ends: the
//! worker, which answers calls, and the development engine, which makes them.
//!
//! One call goes through these modules in this order:
//!
//! | module | from → to |
//! | --- | --- |
//! | [`signature`] | bytes and headers → [`signature::Verified`] |
//! | [`call`] | verified bytes → [`call::Call`] with its [`memo::MemoTable`] |
//! | [`replay`] | what the running function reports → what it does next, or the [`outcome::Outcome`] |
//! | [`reply`] | outcome → status, headers, body |
//!
//! [`connect`] has the frames of the second transport, [`handback`] what is said of a call that will not be finished, and
//! [`checkpoint`] what stores the steps of one that goes on. Registration uses [`function`], [`cron`], [`sync`] and [`introspect`]; sending uses [`event`]. [`history`]
//! reads what the server tells of a run's past, and [`recording`] keeps one as a file that any code can be compared with.

pub mod call;
pub mod checkpoint;
pub mod connect;
pub mod cron;
pub mod crypt;
pub mod digest;
pub mod directory;
pub mod duration;
pub mod event;
pub mod expression;
pub mod function;
pub mod handback;
pub mod header;
pub mod history;
pub mod id;
pub mod introspect;
pub mod memo;
pub mod op;
pub mod outcome;
pub mod recording;
pub mod replay;
pub mod reply;
pub mod role;
pub mod signature;
pub mod step;
pub mod sync;
pub mod trace;

/// The `X-Inngest-SDK` value of this build: language and version, as every request and reply must carry it.
pub const SDK: &str = concat!("rust:v", env!("CARGO_PKG_VERSION"));

/// The execution version this worker speaks: parallel steps are joined by the server before the next call.
pub const REQUEST_VERSION: i32 = 2;

/// The execution version under which the server calls a function again at every end of a step.
pub const EVERY_END_WAKES: i32 = 1;
