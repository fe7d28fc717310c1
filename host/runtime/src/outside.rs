//! What is refused outside of a step body: a request, or waiting.
//!
//! The refusal is raised, not returned, so no code of the guest can hide it; and it names the source line.

use wasmtime::component::{Linker, Resource};
use wasmtime::{AsContext, StoreContextMut, WasmBacktrace};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::Host as _;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Host as _, RequestOptions};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};

use crate::fault::Fault;
use crate::placement::Capability;
use crate::state::CallState;

/// Replaces the functions of WASI that reach beyond the instance by ones that ask first where they are called.
///
/// The linker must hold the originals already, and allow shadowing.
pub(crate) fn guard(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance("wasi:http/outgoing-handler@0.2.12")?.func_wrap("handle", request)?;
    let mut clock = linker.instance("wasi:clocks/monotonic-clock@0.2.12")?;
    clock.func_wrap(
        "subscribe-duration",
        |mut store: StoreContextMut<'_, CallState>, (wait,): (u64,)| {
            allow_waiting(&mut store, wait == 0)?;
            Ok((store.data_mut().clocks().subscribe_duration(wait)?,))
        },
    )?;
    clock.func_wrap(
        "subscribe-instant",
        |mut store: StoreContextMut<'_, CallState>,
         (when,): (u64,)|
         -> wasmtime::Result<(Resource<DynPollable>,)> {
            let past = when <= store.data_mut().clocks().now()?;
            allow_waiting(&mut store, past)?;
            Ok((store.data_mut().clocks().subscribe_instant(when)?,))
        },
    )?;
    Ok(())
}

type Handled = Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

fn request(
    mut store: StoreContextMut<'_, CallState>,
    (request, options): (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>),
) -> wasmtime::Result<(Handled,)> {
    if !store.data().phase.in_step() {
        return Err(refusal(&store, "outgoing HTTP").into());
    }
    let state = store.data_mut();
    state.count(Capability::Http);
    if let Some(requests) = state.outgoing.requests.clone() {
        state.outgoing.next = Some(requests.begin(state)?);
    }
    let mut http = state.http();
    Ok((match http.handle(request, options) {
        Ok(response) => Ok(response),
        Err(error) => Err(http.convert_error_code(error)?),
    },))
}

/// Waiting for no time at all is allowed: event loops need it.
fn allow_waiting(
    store: &mut StoreContextMut<'_, CallState>,
    none_at_all: bool,
) -> wasmtime::Result<()> {
    if none_at_all || store.data().phase.in_step() {
        return Ok(());
    }
    Err(refusal(store, "a timer (use `ctx.sleep(…)`)").into())
}

pub(crate) fn refusal(store: impl AsContext<Data = CallState>, capability: &'static str) -> Fault {
    Fault::OutsideStep { capability, place: source_place(store) }
}

/// The innermost line of the component's author: the first frame that is neither the standard library's, nor the
/// SDK's, nor a dependency's, where the component carries line tables.
pub(crate) fn source_place(store: impl AsContext) -> Option<String> {
    let backtrace = WasmBacktrace::force_capture(store);
    let symbols = backtrace.frames().iter().flat_map(wasmtime::FrameInfo::symbols);
    let places = symbols.filter_map(|symbol| Some((symbol.file()?, symbol.line()?)));
    let foreign = |file: &str| {
        ["/rustc/", "/.cargo/", "/registry/src/", "/library/", "wasi-libc", "sdk/src/"]
            .iter()
            .any(|part| file.contains(part))
    };
    let (mut first, mut own) = (None, None);
    for (file, line) in places {
        first.get_or_insert_with(|| format!("{file}:{line}"));
        if !foreign(file) {
            own = Some(format!("{file}:{line}"));
            break;
        }
    }
    own.or(first)
}
