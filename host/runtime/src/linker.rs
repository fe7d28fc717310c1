//! Every interface a component may import. What is not here does not exist for components: no files, no sockets, no
//! processes, no environment.

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::{WasiView, p2};

use crate::bindings::Worker;
use crate::outside;
use crate::state::CallState;

fn random(state: &mut CallState) -> &mut WasiRandomCtx {
    state.ctx().ctx.random()
}

/// The linker of all components of an engine.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::<CallState>::new(engine);
    Worker::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    // I/O streams, clocks, random and standard streams; requests.
    p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    // What the standard libraries of languages import whether they use it or not. All of it is empty.
    let l = &mut linker;
    random::insecure::add_to_linker::<_, WasiRandom>(l, random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, random)?;
    cli::environment::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    linker.allow_shadowing(true);
    outside::guard(&mut linker)?;
    linker.allow_shadowing(false);
    Ok(linker)
}
