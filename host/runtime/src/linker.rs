//! What components are linked against: one linker for each role.
//!
//! What is not here does not exist for components: no sockets, no processes, no environment. `placement` refuses a
//! component before this is asked; that a cluster's linker does not even hold what only hosts have is the second wall.

use std::sync::Arc;

use protocol::role::Role;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::{WasiView, p2};

use crate::bindings::Worker;
use crate::capability::{self, Provider};
use crate::state::CallState;
use crate::{http, outside};

/// The linkers of an engine.
pub(crate) struct Linkers {
    host: Linker<CallState>,
    cluster: Linker<CallState>,
}

impl Linkers {
    pub(crate) fn new(
        engine: &wasmtime::Engine,
        providers: &[Arc<dyn Provider>],
    ) -> wasmtime::Result<Self> {
        let mut cluster = everywhere(engine)?;
        let mut host = cluster.clone();
        only_on_hosts(&mut host)?;
        capability::link(providers, Role::Host, &mut host)?;
        capability::link(providers, Role::Cluster, &mut cluster)?;
        Ok(Self { host, cluster })
    }

    /// What components are linked against where they serve this role.
    pub(crate) fn of(&self, role: Role) -> &Linker<CallState> {
        match role {
            Role::Host => &self.host,
            Role::Cluster => &self.cluster,
        }
    }
}

fn random(state: &mut CallState) -> &mut WasiRandomCtx {
    state.ctx().ctx.random()
}

/// What workers of every role offer.
fn everywhere(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<CallState>> {
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
    http::explain(&mut linker)?;
    linker.allow_shadowing(false);
    Ok(linker)
}

/// What only hosts offer.
///
/// Files: no folder is open to a call, so a component finds none and has no way to open one. Every function of these
/// interfaces needs an open folder but the one that lists them, and its answer is always empty: outside of steps as
/// inside.
fn only_on_hosts(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, CallState::filesystem)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, CallState::filesystem)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;
    use wasmtime::component::Component;

    use super::*;
    use crate::placement::TABLE;

    /// Whether a linker has an interface: defining something else under its name is refused then.
    fn holds(linker: &Linker<CallState>, interface: &str) -> bool {
        let mut linker = linker.clone();
        linker.root().func_wrap(interface, |_, (): ()| Ok(())).is_err()
    }

    #[test]
    fn each_linker_holds_what_the_table_gives_its_role_and_no_more() {
        let linkers = Linkers::new(&Engine::default(), &[]).expect("linkers");
        for row in TABLE.iter().filter(|row| !row.provided) {
            for name in row.names().filter(|name| {
                !name.ends_with("durable/failures") && !name.ends_with("durable/refusals")
            }) {
                for role in Role::ALL {
                    let holds = holds(linkers.of(role), &format!("{name}@{}", row.version));
                    assert_eq!(holds, row.capability.fits(role), "{name} on {role}");
                }
            }
        }
        for other in ["tcp", "tcp-create-socket", "udp", "instance-network", "ip-name-lookup"] {
            let name = format!("wasi:sockets/{other}@0.2.12");
            assert!(Role::ALL.iter().all(|role| !holds(linkers.of(*role), &name)), "{name}");
        }
    }

    /// Offers every interface of one capability, with no function in it.
    struct Provided(crate::placement::Capability);

    impl Provider for Provided {
        fn capability(&self) -> crate::placement::Capability {
            self.0
        }

        fn link(&self, offer: &mut capability::Offer<'_>) -> wasmtime::Result<()> {
            let rows = TABLE.iter().filter(|row| row.provided && row.capability == self.0);
            for row in rows {
                for name in row.names() {
                    let name = format!("{name}@{}", row.version);
                    offer.interface(&name)?.at_once("nothing", |_, (): ()| Ok(()))?;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn what_providers_offer_is_where_the_role_may_have_it() {
        let provided = TABLE.iter().filter(|row| row.provided);
        let providers: Vec<Arc<dyn Provider>> = provided
            .clone()
            .map(|row| row.capability)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(|capability| Arc::new(Provided(capability)) as Arc<dyn Provider>)
            .collect();
        let linkers = Linkers::new(&Engine::default(), &providers).expect("linkers");
        for row in provided {
            for name in row.names() {
                for role in Role::ALL {
                    let holds = holds(linkers.of(role), &format!("{name}@{}", row.version));
                    assert_eq!(holds, row.capability.fits(role), "{name} on {role}");
                }
            }
        }
    }

    #[test]
    fn a_component_for_hosts_does_not_link_against_what_clusters_have() {
        let engine = Engine::default();
        let linkers = Linkers::new(&engine, &[]).expect("linkers");
        let files = Component::from_file(&engine, guests::IMPORT_FILES).expect("a built guest");
        let link = |role| linkers.of(role).instantiate_pre(&files);
        assert!(link(Role::Host).is_ok());
        let said = format!("{:#}", link(Role::Cluster).err().expect("no files in a cluster"));
        assert!(said.contains("wasi:filesystem/"), "{said}");
    }
}
