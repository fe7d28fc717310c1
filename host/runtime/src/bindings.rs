//! The Rust form of `wit/`: the one place where bindings are generated.

#![allow(missing_docs, reason = "generated from wit/, which documents itself")]
#![allow(clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "durable",
    imports: { default: trappable },
    exports: { default: async },
});
