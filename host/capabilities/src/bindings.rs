//! The Rust form of the capabilities in `wit/`. Only the types are used: functions are defined through the runtime's gate.

#![allow(missing_docs, reason = "generated from wit/, which documents itself")]
#![allow(clippy::pedantic, reason = "generated code")]
#![allow(dead_code, reason = "generated traits that the gate makes unnecessary")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "capabilities",
    imports: { default: trappable },
});
