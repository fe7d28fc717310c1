//! Publishes the image and the components of system-bus.

fn main() {}
