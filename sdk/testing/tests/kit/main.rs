//! Functions as users write them, in the kit.

mod crashes;
mod flow;
mod shop;
mod steps;
