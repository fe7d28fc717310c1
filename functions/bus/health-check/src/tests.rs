//! Whole checks of a system that the test plays.

mod alerts;
mod healing;
mod memory;
mod places;
mod probes;
mod pure;
mod schedules;
mod signals;
mod system;
