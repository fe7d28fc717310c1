//! Lines for the operator.
//!
//! A line logged outside a step's body is told once: the host drops what an earlier call of the run has told. Inside a body
//! it is told in each attempt. What is printed to the standard output or error is told in the same way, line by line.
//!
//! ```
//! use system_bus_sdk::prelude::*;
//!
//! # async fn example(ctx: Ctx) -> Result<()> {
//! ctx.step("count", async |_io| {
//!     log::info!("counted {} shelves", 3);
//!     Ok(3)
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

use std::fmt::Arguments;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every small thing.
    Trace,
    /// Of use while something is looked for.
    Debug,
    /// The course of things.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

/// Logs a line; the macros call it. `context` names the part of the program that speaks.
#[doc(hidden)]
pub fn line(level: Level, context: &str, message: Arguments<'_>) {
    #[cfg(target_family = "wasm")]
    crate::guest::log(level, context, &message.to_string());
    #[cfg(not(target_family = "wasm"))]
    crate::testing::logged(level, context, message.to_string());
}

/// What the macros for the levels have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $($line:tt)+) => {
        $crate::log::line($crate::log::Level::$level, module_path!(), format_args!($($line)+))
    };
}

/// Logs every small thing.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($line:tt)+) => { $crate::__log!(Trace, $($line)+) };
}

/// Logs what is of use while something is looked for.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) };
}

/// Logs the course of things.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($line:tt)+) => { $crate::__log!(Info, $($line)+) };
}

/// Logs that something is odd.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) };
}

/// Logs that something failed.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($line:tt)+) => { $crate::__log!(Error, $($line)+) };
}

#[doc(inline)]
pub use crate::{
    __debug as debug, __error as error, __info as info, __trace as trace, __warn as warn,
};
