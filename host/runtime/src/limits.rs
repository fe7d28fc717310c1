//! What one call may use. Every limit here has a test that breaks it: a guest in
//! `functions/testing`, or for tables, which Rust cannot grow, a unit test.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::fault::{Fault, Limit};

/// What one call may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, in bytes.
    pub memory: usize,
    /// Wall time of everything outside of step bodies: replaying is pure computation and takes microseconds.
    pub replay: Duration,
    /// Wall time of one step body.
    pub step: Duration,
    /// The result of a step or of a function, in bytes of JSON. The server takes no more than 4 MiB.
    pub result: usize,
    /// What a guest may pass to the host in one call, in bytes.
    pub host_call: usize,
    /// What a guest may write to its standard output and error together, in bytes.
    pub output: usize,
    /// Log lines of one call.
    pub log_lines: usize,
    /// What a guest may hold by handles at one time: requests, their headers and bodies, answers, timers, buckets.
    pub handles: usize,
    /// The stack of the guest, in bytes. One value for all calls of a [`crate::Runtime`].
    pub stack: usize,
    /// Elements of all tables of an instance together with their growth.
    pub table_elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            replay: Duration::from_secs(10),
            step: Duration::from_mins(5),
            result: 4 << 20,
            host_call: 16 << 20,
            output: 1 << 20,
            log_lines: 1_000,
            handles: 10_000,
            stack: 1 << 20,
            table_elements: 50_000,
        }
    }
}

/// Stops growth at the limits, by ending the call: a guest that could go on after a refused allocation would fail
/// somewhere else, with an error that does not name the reason.
#[derive(Debug)]
pub(crate) struct Growth {
    memory: usize,
    table_elements: usize,
}

impl Growth {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { memory: limits.memory, table_elements: limits.table_elements }
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory {
            return Err(Fault::Limit(Limit::Memory { asked: desired, limit: self.memory }).into());
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            return Err(Fault::Limit(Limit::Table { limit: self.table_elements }).into());
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_ends_the_call_beyond_the_limit_and_only_there() {
        let limits = Limits { memory: 1 << 20, table_elements: 100, ..Limits::default() };
        let mut growth = Growth::new(&limits);
        assert!(growth.memory_growing(0, 1 << 20, None).is_ok_and(|grows| grows));
        assert!(growth.table_growing(0, 100, None).is_ok_and(|grows| grows));
        let fault = |error: wasmtime::Error| error.downcast::<Fault>().expect("a fault");
        let memory = growth.memory_growing(0, (1 << 20) + 1, None).map_err(fault);
        assert_eq!(
            memory,
            Err(Fault::Limit(Limit::Memory { asked: (1 << 20) + 1, limit: 1 << 20 }))
        );
        let table = growth.table_growing(100, 101, None).map_err(fault);
        assert_eq!(table, Err(Fault::Limit(Limit::Table { limit: 100 })));
    }
}
