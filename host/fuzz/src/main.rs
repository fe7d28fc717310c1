//! The fuzzer: calls one target, named by `FUZZ_TARGET`, with inputs that it makes up. `host/fuzz/run` builds and runs it.
#![no_main]

use std::sync::OnceLock;
use std::{env, panic, thread};

static TARGET: OnceLock<fuzz::Check> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
        let check = fuzz::target(&name).expect("FUZZ_TARGET is a folder in host/fuzz/corpus");
        TARGET.get_or_init(|| check);
        // The fuzzer takes any panic for a finding. Some are foreseen: a library is called on a thread of its own, and
        // what it panics with is an error there. What is not caught comes back to this one.
        let this = thread::current().id();
        let ends = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == this {
                ends(panic);
            }
        }));
    },
    |data: &[u8]| {
        if let Some(check) = TARGET.get() {
            check(data);
        }
    }
);
