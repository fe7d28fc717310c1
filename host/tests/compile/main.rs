//! Compiling in children of the real program, with a real cache: what a worker does with a component it has not seen, and
//! with one it has.

mod cache;
mod child;

use std::path::Path;
use std::sync::Arc;

use protocol::digest::Digest;
use runtime::compile::Child;
use runtime::{Cache, Compilation, Compiler, Limits, LoadError, Runtime};

/// The program, in the way that a worker starts it.
fn child() -> Child {
    Child::new(env!("CARGO_BIN_EXE_system-bus"), ["compile".to_owned()])
}

fn runtime(compiler: Compiler, cache: impl Into<Option<Cache>>) -> Runtime {
    let compilation = Compilation::new(compiler, cache.into());
    Runtime::with_compilation(Limits::default(), Vec::new(), compilation).expect("an engine")
}

fn cache(folder: &Path) -> Cache {
    Cache::open(folder, 1 << 30).expect("a cache")
}

/// A guest's bytes.
fn bytes(guest: &str) -> Arc<[u8]> {
    std::fs::read(guest).expect("a guest").into()
}

/// Compiles, and loads what came of it as a worker does.
async fn compile(runtime: &Runtime, bytes: &Arc<[u8]>) -> Result<(), LoadError> {
    runtime.compile("tested", Digest::of(bytes), Arc::clone(bytes)).await.map(drop)
}

/// How many components came from the cache, and how many from the compiler.
fn counts(runtime: &Runtime) -> (u64, u64) {
    let counts = runtime.compilation().counts();
    (counts.cached, counts.compiled)
}
