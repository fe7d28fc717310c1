//! The one way into a capability: each function of a provider passes here.

use std::pin::Pin;

use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType,
};

use crate::outside::refusal;
use crate::placement::{Capability, TABLE};
use crate::state::CallState;

/// What a function of a provider answers with, once it has.
pub type Answering<'c, R> = Pin<Box<dyn Future<Output = wasmtime::Result<R>> + Send + 'c>>;

/// Where a provider puts its interfaces.
pub struct Offer<'l> {
    linker: &'l mut Linker<CallState>,
    capability: Capability,
}

/// One interface of a provider, for its functions.
pub struct Interface<'l> {
    instance: LinkerInstance<'l, CallState>,
    capability: Capability,
}

impl<'l> Offer<'l> {
    pub(crate) fn new(linker: &'l mut Linker<CallState>, capability: Capability) -> Self {
        Self { linker, capability }
    }

    /// An interface of this capability, named as in the table: `system-bus:durable/shell`. One that is there in several
    /// versions is named with one of them: `wasi:config/store@0.2.0-rc.1`.
    ///
    /// Fails for one that the table gives to another capability, or to none.
    pub fn interface(&mut self, name: &str) -> wasmtime::Result<Interface<'_>> {
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (name, None),
        };
        let mut rows = TABLE.iter().filter(|row| row.names().any(|own| own == name));
        let row = rows.find(|row| version.is_none_or(|version| version == row.version));
        let Some(row) = row.filter(|row| row.capability == self.capability) else {
            return Err(wasmtime::format_err!(
                "{name} does not belong to the capability {}",
                self.capability
            ));
        };
        let instance = self.linker.instance(&format!("{name}@{}", row.version))?;
        Ok(Interface { instance, capability: self.capability })
    }
}

impl Interface<'_> {
    /// Defines a resource: what the guest holds a handle of is a `T` in [`CallState::table`].
    pub fn resource<T: Send + 'static>(&mut self, name: &str) -> wasmtime::Result<()> {
        self.instance.resource(name, ResourceType::host::<T>(), |mut store, handle| {
            store.data_mut().table().delete(Resource::<T>::new_own(handle))?;
            Ok(())
        })
    }

    /// Defines a function that touches the world, and so is there inside of step bodies only.
    ///
    /// `run` is called with what the host keeps beside the instance and the arguments. What it answers with is for the
    /// guest; an error ends the call, and no code of the guest can catch it.
    pub fn function<P, R, F>(&mut self, name: &str, run: F) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + 'static,
        R: ComponentNamedList + Lower + Send + 'static,
        F: for<'c> Fn(&'c mut CallState, P) -> Answering<'c, R> + Clone + Send + Sync + 'static,
    {
        let capability = self.capability;
        self.instance.func_wrap_async(
            name,
            move |mut store: StoreContextMut<'_, CallState>, arguments: P| {
                let run = run.clone();
                Box::new(async move {
                    pass(&mut store, capability)?;
                    run(store.data_mut(), arguments).await
                })
            },
        )
    }

    /// The same for a function that answers at once.
    pub fn at_once<P, R, F>(&mut self, name: &str, run: F) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
        F: Fn(&mut CallState, P) -> wasmtime::Result<R> + Send + Sync + 'static,
    {
        let capability = self.capability;
        self.instance.func_wrap(
            name,
            move |mut store: StoreContextMut<'_, CallState>, arguments: P| {
                pass(&mut store, capability)?;
                run(store.data_mut(), arguments)
            },
        )
    }

    /// Defines a function that reaches nothing outside of the call, and so is there everywhere: it is counted, and has
    /// to come out the same in every replay.
    pub fn anywhere<P, R, F>(&mut self, name: &str, run: F) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
        F: Fn(&mut CallState, P) -> wasmtime::Result<R> + Send + Sync + 'static,
    {
        let capability = self.capability;
        self.instance.func_wrap(
            name,
            move |mut store: StoreContextMut<'_, CallState>, arguments: P| {
                store.data_mut().count(capability);
                run(store.data_mut(), arguments)
            },
        )
    }
}

#[cfg(feature = "measure")]
impl Interface<'_> {
    /// Defines a function with no gate before it, to compare with one that has it.
    pub fn ungated<P, R, F>(&mut self, name: &str, run: F) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
        F: Fn(&mut CallState, P) -> wasmtime::Result<R> + Send + Sync + 'static,
    {
        self.instance.func_wrap(
            name,
            move |mut store: StoreContextMut<'_, CallState>, arguments: P| {
                run(store.data_mut(), arguments)
            },
        )
    }
}

/// Refuses what stands outside of a step body; counts what does not.
fn pass(
    store: &mut StoreContextMut<'_, CallState>,
    capability: Capability,
) -> wasmtime::Result<()> {
    if !store.data().phase.in_step() {
        return Err(refusal(&*store, capability.name()).into());
    }
    store.data_mut().count(capability);
    Ok(())
}
