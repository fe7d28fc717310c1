//! Programs: an argument list, an allow list, and an end for whatever they start.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `grant` | what the operator says of programs |
//! | `pattern` | whether an argument list is one that the operator allows |
//! | `shared` | programs and grants, checked at the start, and who may run what |
//! | [`launch`] | the launcher: the process between the worker and a program |
//! | `output` | what a program writes: gathered, bounded, logged line by line |
//! | `lines` | output as log lines, without secrets |
//! | `fill` | secrets in the place of their placeholders |
//! | `run` | one program, from its start to its end or its time |
//! | `provider` | the function that guests import |

mod fill;
mod grant;
pub mod launch;
mod lines;
mod output;
mod pattern;
mod provider;
mod run;
mod shared;

pub use self::grant::{Grant, Program};
pub use self::launch::Launcher;
pub use self::pattern::{PatternError, Patterns};
pub use self::provider::Provider;
pub use self::shared::ProgramError;
pub(crate) use self::shared::{absent, wrong};
