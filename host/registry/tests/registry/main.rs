//! Registries on real files with real components: what is activated, what is refused, and what survives.

mod behind;
mod canary;
mod preview;
mod properties;
mod reload;
mod retention;
mod sharing;
mod support;
mod versions;
