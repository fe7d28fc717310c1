//! Functions as users write them, in the kit.

mod crashes;
mod flow;
mod recordings;
mod shop;
mod steps;
