//! The functions that guests import, in both deployed versions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Interface, Offer};
use runtime::placement::Capability;
use wasmtime::component::{Lift, Lower, Resource};

use super::bucket::Bucket;
use super::embedded::Embedded;
use super::failure::StoreError;
use super::grant::Store;
use super::open::Open;
use super::server::Server;
use super::values::Values;
use super::words::{Cas, CasError, Error};
use crate::grants::Grants;
use crate::redis::Shared;

/// How many handles one call may make.
const MOST_HANDLES: u32 = 1000;

type Answer<T> = Result<T, Error>;

/// Values by key, for the runtime.
#[derive(Debug)]
pub struct Provider {
    store: Arc<dyn Values>,
    grants: Arc<Grants>,
}

/// Why values cannot be kept as the operator says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// They are to be kept in Redis, and there is no server.
    #[error("`keyvalue = \"redis\"` needs a server: add `[redis]` with its `url` to the grants")]
    NoServer,
    /// The file cannot be opened.
    #[error("values cannot be kept in {path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// How many handles a call has made.
#[derive(Default)]
struct Handles(u32);

impl Provider {
    /// What these grants say, on the `server` of `[redis]` or in a file. Unless they name it, the file is one in `folder`,
    /// which is made where it is missing; several processes may use it.
    pub fn new(
        grants: Arc<Grants>,
        folder: &Path,
        server: Option<Arc<Shared>>,
    ) -> Result<Self, SetupError> {
        let path = match &grants.keyvalue {
            Store::Embedded => folder.join("keyvalue.sqlite"),
            Store::File(path) => path.clone(),
            Store::Redis => {
                let store = Arc::new(Server::new(server.ok_or(SetupError::NoServer)?));
                return Ok(Self { store, grants });
            }
        };
        let failed = |why: String| SetupError::File { path: path.clone(), why };
        // At the first start the worker's own folder is not there yet.
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|problem| failed(problem.to_string()))?;
        }
        let store = Embedded::open(&path).map_err(|problem| failed(problem.to_string()))?;
        Ok(Self { store: Arc::new(store), grants })
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Keyvalue
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut store = self.common(offer.interface("wasi:keyvalue/store@0.2.0-draft")?)?;
        self.on(&mut store, "[method]bucket.list-keys", |open, cursor: Option<u64>| {
            open.numbered(cursor)
        })?;
        let mut atomics = offer.interface("wasi:keyvalue/atomics@0.2.0-draft")?;
        self.on2(&mut atomics, "increment", |open, key: String, by: u64| async move {
            let by = i64::try_from(by).map_err(|_| StoreError::no_number())?;
            let sum = open.increment(key, by, 0).await?;
            u64::try_from(sum).map_err(|_| StoreError::no_number())
        })?;
        let mut batch = self.batch(offer.interface("wasi:keyvalue/batch@0.2.0-draft")?)?;
        self.on(&mut batch, "get-many", |open, keys: Vec<String>| async move {
            let all = open.get_many(keys).await?;
            Ok(all.into_iter().map(|(key, value)| Some((key, value?))).collect::<Vec<_>>())
        })?;

        let mut store = self.common(offer.interface("wasi:keyvalue/store@0.2.0-draft2")?)?;
        self.on(&mut store, "[method]bucket.list-keys", |open, after: Option<String>| {
            open.named(after)
        })?;
        let mut atomics = offer.interface("wasi:keyvalue/atomics@0.2.0-draft2")?;
        self.on2(&mut atomics, "increment", |open, key: String, by: i64| {
            open.increment(key, by, i64::MIN)
        })?;
        self.swaps(&mut atomics)?;
        let mut batch = self.batch(offer.interface("wasi:keyvalue/batch@0.2.0-draft2")?)?;
        self.on(&mut batch, "get-many", |open, keys: Vec<String>| open.get_many(keys))
    }
}

impl Provider {
    /// What both versions of `store` have.
    fn common<'o>(&self, mut interface: Interface<'o>) -> wasmtime::Result<Interface<'o>> {
        interface.resource::<Bucket>("bucket")?;
        let grants = Arc::clone(&self.grants);
        interface.at_once("open", move |state: &mut CallState, (name,): (String,)| {
            Ok((open(state, &grants, &name)?,))
        })?;
        self.on(&mut interface, "[method]bucket.get", |open, key: String| open.get(key))?;
        self.on2(&mut interface, "[method]bucket.set", |open, key: String, value: Vec<u8>| {
            open.set_many(vec![(key, value)])
        })?;
        self.on(&mut interface, "[method]bucket.delete", |open, key: String| {
            open.delete_many(vec![key])
        })?;
        self.on(&mut interface, "[method]bucket.exists", |open, key: String| async move {
            Ok(open.get(key).await?.is_some())
        })?;
        Ok(interface)
    }

    /// What both versions of `batch` have.
    fn batch<'o>(&self, mut interface: Interface<'o>) -> wasmtime::Result<Interface<'o>> {
        self.on(&mut interface, "set-many", |open, all: Vec<(String, Vec<u8>)>| {
            open.set_many(all)
        })?;
        self.on(&mut interface, "delete-many", |open, keys: Vec<String>| open.delete_many(keys))?;
        Ok(interface)
    }

    fn swaps(&self, interface: &mut Interface<'_>) -> wasmtime::Result<()> {
        interface.resource::<Cas>("cas")?;
        let store = Arc::clone(&self.store);
        interface.function(
            "[static]cas.new",
            move |state: &mut CallState, (bucket, key): (Resource<Bucket>, String)| {
                let opened = opened(state, &store, &bucket);
                Box::pin(async move {
                    let open = opened?;
                    let bucket = open.bucket.clone();
                    Ok((match open.get(key.clone()).await {
                        Ok(was) => hold(state, Cas { bucket, key, was })?,
                        Err(error) => Err(error.into()),
                    },))
                })
            },
        )?;
        interface.at_once("[method]cas.current", |state, (cas,): (Resource<Cas>,)| {
            Ok((Ok::<_, Error>(state.table().get(&cas)?.was.clone()),))
        })?;
        let store = Arc::clone(&self.store);
        interface.function(
            "swap",
            move |state: &mut CallState, (cas, value): (Resource<Cas>, Vec<u8>)| {
                let (store, left) = (Arc::clone(&store), state.time_left());
                let cas = state.table().delete(cas);
                Box::pin(async move {
                    let cas = cas?;
                    let open = Open { store, bucket: cas.bucket.clone(), left };
                    Ok((match swap(open, &cas, value).await {
                        Ok(None) => Ok(()),
                        Ok(Some(was)) => Err(match hold(state, Cas { was, ..cas })? {
                            Ok(cas) => CasError::Changed(cas),
                            Err(error) => CasError::Store(error),
                        }),
                        Err(error) => Err(CasError::Store(error.into())),
                    },))
                })
            },
        )
    }

    /// Defines a function of a bucket and one thing more.
    fn on<A, T, F>(
        &self,
        interface: &mut Interface<'_>,
        name: &str,
        work: impl Fn(Open, A) -> F + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        A: Lift + Send + Sync + 'static,
        T: Lower + Send + Sync + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        interface.function(
            name,
            move |state: &mut CallState, (bucket, a): (Resource<Bucket>, A)| {
                let opened = opened(state, &store, &bucket);
                Box::pin(async move { Ok((work(opened?, a).await.map_err(Error::from),)) })
            },
        )
    }

    /// The same with two things more.
    fn on2<A, B, T, F>(
        &self,
        interface: &mut Interface<'_>,
        name: &str,
        work: impl Fn(Open, A, B) -> F + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        A: Lift + Send + Sync + 'static,
        B: Lift + Send + Sync + 'static,
        T: Lower + Send + Sync + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        interface.function(
            name,
            move |state: &mut CallState, (bucket, a, b): (Resource<Bucket>, A, B)| {
                let opened = opened(state, &store, &bucket);
                Box::pin(async move { Ok((work(opened?, a, b).await.map_err(Error::from),)) })
            },
        )
    }
}

/// The bucket behind a handle, with the time that the call has.
fn opened(
    state: &mut CallState,
    store: &Arc<dyn Values>,
    bucket: &Resource<Bucket>,
) -> wasmtime::Result<Open> {
    let left = state.time_left();
    let bucket = state.table().get(bucket)?.clone();
    Ok(Open { store: Arc::clone(store), bucket, left })
}

/// Swaps; where the value is another one meanwhile, answers with it.
async fn swap(
    open: Open,
    cas: &Cas,
    value: Vec<u8>,
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    if open.swap(cas.key.clone(), cas.was.clone(), value).await? {
        return Ok(None);
    }
    Ok(Some(open.get(cas.key.clone()).await?))
}

fn open(
    state: &mut CallState,
    grants: &Grants,
    name: &str,
) -> wasmtime::Result<Answer<Resource<Bucket>>> {
    let component = Arc::clone(&state.caller()?.component);
    let grant = grants.of(&component).and_then(|grant| grant.keyvalue.as_ref());
    if let Some(bucket) = Bucket::of(grant, &component, name) {
        let part = grant.and_then(|grant| grant.part(name));
        state.allowed(Capability::Keyvalue, 0, part.as_slice());
        return hold(state, bucket);
    }
    let short: String = name.chars().take(64).collect();
    state.denied(Capability::Keyvalue, &format!("open the bucket {short:?}"));
    Ok(Err(Error::AccessDenied))
}

/// Gives the guest a handle.
fn hold<T: Send + 'static>(
    state: &mut CallState,
    thing: T,
) -> wasmtime::Result<Answer<Resource<T>>> {
    let handles = state.part(Handles::default);
    if handles.0 == MOST_HANDLES {
        let message = format!(
            "exhausted: one call may have {MOST_HANDLES} handles of values, and has had them"
        );
        return Ok(Err(Error::Other(message)));
    }
    handles.0 += 1;
    Ok(Ok(state.table().push(thing)?))
}
