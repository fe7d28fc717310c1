//! Inside or outside of a step body: what time it is and which random numbers come.
//!
//! A function runs from its top in every call, so what it sees outside of step bodies must be the same each time:
//! the clocks stand still at the moment the run was scheduled, and random numbers come from a stream seeded by the
//! run. Inside a body they are real. The generators switch at once, both ways, by one shared flag.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chacha20::ChaCha12Rng;
use protocol::id::RunId;
use rand_core::{Rng, SeedableRng, TryRng};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// The flag that one call's clocks and generators share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase(Arc<AtomicBool>);

impl Phase {
    /// Whether a step body runs.
    pub(crate) fn in_step(&self) -> bool {
        // One store, one thread at a time: the order is that of the program.
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, in_step: bool) {
        self.0.store(in_step, Ordering::Relaxed);
    }
}

/// What is fixed about a run: its time, and the seed of its randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed {
    since_1970: Duration,
    seed: [u8; 16],
}

impl Fixed {
    /// Taken from the run's id, which carries the time it was minted.
    pub(crate) fn of_run(run: RunId) -> Self {
        Self { since_1970: Duration::from_millis(run.unix_millis()), seed: run.to_bytes() }
    }

    /// For `describe`, which belongs to no run.
    pub(crate) fn of_nothing() -> Self {
        Self { since_1970: Duration::ZERO, seed: [0; 16] }
    }

    pub(crate) fn wall_clock(self, phase: &Phase) -> impl HostWallClock + use<> {
        Clock { phase: phase.clone(), since_1970: self.since_1970, began: None }
    }

    pub(crate) fn monotonic_clock(self, phase: &Phase) -> impl HostMonotonicClock + use<> {
        Clock { phase: phase.clone(), since_1970: self.since_1970, began: Some(Instant::now()) }
    }

    /// A generator for one of the guest's interfaces; `stream` keeps their numbers apart.
    pub(crate) fn random(self, phase: &Phase, stream: u8) -> impl Rng + Send + use<> {
        let mut seed = [stream; 32];
        seed[..16].copy_from_slice(&self.seed);
        Random { phase: phase.clone(), seed, fixed: None }
    }

    /// The seed of hash maps: fixed for the whole call, since it cannot switch.
    pub(crate) fn hash_seed(self) -> u128 {
        u128::from_le_bytes(self.seed)
    }
}

struct Clock {
    phase: Phase,
    since_1970: Duration,
    /// Only for the monotonic clock, which counts from the start of the call.
    began: Option<Instant>,
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        if self.phase.in_step() {
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
        } else {
            self.since_1970
        }
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        match self.began {
            Some(began) if self.phase.in_step() => {
                // At least 1, so that no body sees a time before the function's own.
                u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
            }
            _ => 0,
        }
    }
}

struct Random {
    phase: Phase,
    seed: [u8; 32],
    /// Made on first use: most calls never ask.
    fixed: Option<ChaCha12Rng>,
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if self.phase.in_step() {
            // Without the system's randomness nothing on this machine is safe; that ends the call, not the worker.
            getrandom::fill(bytes).expect("the operating system has randomness");
        } else {
            self.fixed.get_or_insert_with(|| ChaCha12Rng::from_seed(self.seed)).fill_bytes(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_steps_everything_repeats_and_inside_nothing_does() {
        let run: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("a ULID");
        let fixed = Fixed::of_run(run);
        let observe = |in_step: bool| {
            let phase = Phase::default();
            phase.set(in_step);
            let wall = fixed.wall_clock(&phase).now();
            let monotonic = fixed.monotonic_clock(&phase).now();
            (wall, monotonic, fixed.random(&phase, 0).next_u64())
        };
        assert_eq!(observe(false), observe(false));
        assert_eq!(observe(false).0, Duration::from_millis(run.unix_millis()));
        assert_eq!(observe(false).1, 0);
        assert_ne!(observe(true).2, observe(true).2);
        assert!(observe(true).1 > 0);
    }

    #[test]
    fn the_stream_goes_on_where_it_was_before_a_step() {
        let fixed = Fixed::of_nothing();
        let phase = Phase::default();
        let mut plain = fixed.random(&phase, 1);
        let expected = [plain.next_u64(), plain.next_u64()];
        let mut interrupted = fixed.random(&phase, 1);
        let first = interrupted.next_u64();
        phase.set(true);
        interrupted.next_u64();
        phase.set(false);
        assert_eq!([first, interrupted.next_u64()], expected);
        assert_ne!(fixed.random(&phase, 2).next_u64(), expected[0], "streams differ");
    }
}
