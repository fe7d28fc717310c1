//! The Rust form of `wit/`: the one place where bindings are generated.

#![allow(missing_docs, reason = "generated from wit/, which documents itself")]
#![allow(clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "worker",
    imports: {
        // These may send something to the server before they answer.
        "system-bus:durable/steps.next": async | trappable,
        "system-bus:durable/steps.next-one": async | trappable,
        "system-bus:durable/steps.finish": async | trappable,
        "system-bus:durable/blocking.begin": async | trappable,
        "system-bus:durable/blocking.plan": async | trappable,
        "system-bus:durable/blocking.resume": async | trappable,
        "system-bus:durable/blocking.finish": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});
