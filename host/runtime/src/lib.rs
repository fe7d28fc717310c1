//! Components: loading them, and running each call in an instance of its own.
//!
//! This crate knows components, limits and capabilities. It does not know HTTP serving, signing keys or the form of
//! Inngest's JSON: a call comes in as [`protocol::call::Call`], and what it led to goes out as an
//! [`protocol::outcome::Outcome`] or a [`CallFailed`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`engine`] | the engine's one configuration and the pool of instances, with the thread that makes time pass for guests |
//! | [`compile`] | bytes → compiled code: from the cache, else from a compiler, which may be a process of its own |
//! | [`cache`] | compiled code on disk, authenticated before it is mapped |
//! | [`placement`] | what a component imports → where it may run, before anything is compiled |
//! | `linker` | every interface a component may import, for each role; there are no others |
//! | [`component`] | bytes → a checked, pre-instantiated [`Component`] |
//! | [`folder`] | a file → the bytes of a component |
//! | [`invoke`] | one call in a fresh instance |
//! | [`capability`] | the seam between imports and what stands behind them: providers, the gate that each of their functions passes, counters |
//! | [`logging`] | what a guest says: told once, cut, without secrets, and the last of it kept by run |
//! | `conversation` | a running function and its host, for both interfaces a guest may speak |
//! | [`backstage`] | what a running call needs of the worker around it |
//! | [`limits`] | what one call may use |
//! | `phase` | why the same run sees the same time and randomness in every replay |
//! | [`fault`] | how a call can fail: the guest's own error is not among them |

pub mod backstage;
mod bindings;
pub mod cache;
pub mod capability;
pub mod compile;
pub mod component;
mod conversation;
mod deadline;
pub mod engine;
pub mod fault;
pub mod folder;
pub mod http;
pub mod invoke;
pub mod limits;
mod linker;
pub mod logging;
mod output;
mod outside;
mod phase;
pub mod placement;
mod spans;
mod state;

pub use backstage::{Backstage, Stored};
pub use cache::Cache;
pub use capability::{Caller, Guard, Provider};
pub use compile::{Compilation, Compiler};
pub use component::{Component, LoadError};
pub use engine::{EngineError, INSTANCES, Runtime};
pub use fault::{CallFailed, Fault};
pub use limits::Limits;
pub use logging::legible;
pub use placement::Placement;
pub use state::CallState;
