//! The launcher: the process between the worker and a program.
//!
//! A worker must not run code between `fork` and `exec`, so what a program is to be bound by is set up by a process of its
//! own: the worker's program, started with a hidden command. It speaks with the worker through a socket that is its
//! standard input: it reads an order and the program's input, and answers with what becomes of the program. While the
//! program runs, it is the parent of everything that the program leaves behind (on Linux), and none of it outlives it.
//!
//! When the socket is closed at the worker's side, the launcher ends what it has started. So a step that is given up, and
//! a worker that is killed, need nobody who cleans up. When the launcher itself is killed, the worker ends all that is in
//! its session.

mod limits;
mod order;
mod supervise;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use self::order::{Ended, Order, Word};
pub(crate) use self::supervise::GRACE;
pub use self::supervise::{LaunchError, serve};
pub(crate) use self::tree::in_session;

/// How a launcher is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

impl Launcher {
    /// This program with these arguments, which has to call [`serve`] with its standard input and nothing else. For a
    /// worker that is its own program with its hidden command.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().collect() }
    }
}
