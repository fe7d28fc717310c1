//! The functions that guests import, in both deployed versions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Interface, Offer};
use runtime::placement::Capability;
use wasmtime::component::{Lift, Lower, Resource};

use super::bucket::Bucket;
use super::embedded::{Embedded, PAGE, StoreError};
use super::grant::Store;
use super::words::{Cas, CasError, Error, NamedPage, NumberedPage};
use crate::grants::Grants;

/// How many handles one call may make.
const MOST_HANDLES: u32 = 1000;

type Answer<T> = Result<T, Error>;

/// Values by key, for the runtime.
#[derive(Debug)]
pub struct Provider {
    store: Arc<Embedded>,
    grants: Arc<Grants>,
}

/// Why values cannot be kept as the operator says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// There is no such store yet.
    #[error(
        "`keyvalue = \"redis\"` is not built yet: leave it out, or name a file, and use the \
         capability `redis` where several machines share values"
    )]
    NotBuilt,
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
    /// What these grants say. Unless they name a file, it is one in `folder`, which is there.
    pub fn new(grants: Arc<Grants>, folder: &Path) -> Result<Self, SetupError> {
        let path = match &grants.keyvalue {
            Store::Embedded => folder.join("keyvalue.redb"),
            Store::File(path) => path.clone(),
            Store::Redis => return Err(SetupError::NotBuilt),
        };
        let store = Embedded::open(&path)
            .map_err(|problem| SetupError::File { path, why: problem.to_string() })?;
        Ok(Self { store: Arc::new(store), grants })
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Keyvalue
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut store = self.common(offer.interface("wasi:keyvalue/store@0.2.0-draft")?)?;
        self.on(&mut store, "[method]bucket.list-keys", |store, bucket, cursor: Option<u64>| {
            numbered(store, bucket, cursor)
        })?;
        let mut atomics = offer.interface("wasi:keyvalue/atomics@0.2.0-draft")?;
        self.on2(&mut atomics, "increment", |store, bucket, key: String, delta: u64| {
            let sum = store.increment(bucket, &key, delta.into(), 0..=i64::MAX.into())?;
            u64::try_from(sum).map_err(|_| StoreError::Invalid("out of range".to_owned()))
        })?;
        let mut batch = self.batch(offer.interface("wasi:keyvalue/batch@0.2.0-draft")?)?;
        self.on(&mut batch, "get-many", |store, bucket, keys: Vec<String>| {
            let all = store.get_many(bucket, keys)?;
            Ok(all.into_iter().map(|(key, value)| Some((key, value?))).collect::<Vec<_>>())
        })?;

        let mut store = self.common(offer.interface("wasi:keyvalue/store@0.2.0-draft2")?)?;
        self.on(&mut store, "[method]bucket.list-keys", |store, bucket, after: Option<String>| {
            let keys = store.keys(bucket, after.as_deref().unwrap_or_default())?;
            let cursor = if keys.len() == PAGE { keys.last().cloned() } else { None };
            Ok(NamedPage { keys, cursor })
        })?;
        let mut atomics = offer.interface("wasi:keyvalue/atomics@0.2.0-draft2")?;
        self.on2(&mut atomics, "increment", |store, bucket, key: String, delta: i64| {
            let range = i64::MIN.into()..=i64::MAX.into();
            let sum = store.increment(bucket, &key, delta.into(), range)?;
            i64::try_from(sum).map_err(|_| StoreError::Invalid("out of range".to_owned()))
        })?;
        self.swaps(&mut atomics)?;
        let mut batch = self.batch(offer.interface("wasi:keyvalue/batch@0.2.0-draft2")?)?;
        self.on(&mut batch, "get-many", |store, bucket, keys: Vec<String>| {
            store.get_many(bucket, keys)
        })
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
        self.on(&mut interface, "[method]bucket.get", |store, bucket, key: String| {
            store.get(bucket, &key)
        })?;
        self.on2(&mut interface, "[method]bucket.set", |store, bucket, key: String, value| {
            store.set_many(bucket, &[(key, value)])
        })?;
        self.on(&mut interface, "[method]bucket.delete", |store, bucket, key: String| {
            store.delete_many(bucket, &[key])
        })?;
        self.on(&mut interface, "[method]bucket.exists", |store, bucket, key: String| {
            Ok(store.get(bucket, &key)?.is_some())
        })?;
        Ok(interface)
    }

    /// What both versions of `batch` have.
    fn batch<'o>(&self, mut interface: Interface<'o>) -> wasmtime::Result<Interface<'o>> {
        self.on(&mut interface, "set-many", |store, bucket, all: Vec<(String, Vec<u8>)>| {
            store.set_many(bucket, &all)
        })?;
        self.on(&mut interface, "delete-many", |store, bucket, keys: Vec<String>| {
            store.delete_many(bucket, &keys)
        })?;
        Ok(interface)
    }

    fn swaps(&self, interface: &mut Interface<'_>) -> wasmtime::Result<()> {
        interface.resource::<Cas>("cas")?;
        let store = Arc::clone(&self.store);
        interface.function(
            "[static]cas.new",
            move |state: &mut CallState, (bucket, key): (Resource<Bucket>, String)| {
                let store = Arc::clone(&store);
                let bucket = state.table().get(&bucket).cloned();
                Box::pin(async move {
                    let (bucket, wanted) = (bucket?, key.clone());
                    let within = bucket.clone();
                    let was = blocking(move || store.get(&within, &wanted)).await?;
                    Ok((match was {
                        Ok(was) => hold(state, Cas { bucket, key, was })?,
                        Err(error) => Err(error),
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
                let store = Arc::clone(&store);
                let cas = state.table().delete(cas);
                Box::pin(async move {
                    let cas = cas?;
                    let Cas { bucket, key, was } = cas.clone();
                    let swapped = blocking(move || {
                        let swapped = store.swap(&bucket, &key, was.as_deref(), &value)?;
                        if swapped { Ok(None) } else { Ok(Some(store.get(&bucket, &key)?)) }
                    });
                    Ok((match swapped.await? {
                        Ok(None) => Ok(()),
                        Ok(Some(was)) => Err(match hold(state, Cas { was, ..cas })? {
                            Ok(cas) => CasError::Changed(cas),
                            Err(error) => CasError::Store(error),
                        }),
                        Err(error) => Err(CasError::Store(error)),
                    },))
                })
            },
        )
    }

    /// Defines a function of a bucket and one thing more.
    fn on<A, T>(
        &self,
        interface: &mut Interface<'_>,
        name: &str,
        work: impl Fn(&Embedded, &Bucket, A) -> Result<T, StoreError> + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        A: Lift + Send + Sync + 'static,
        T: Lower + Send + Sync + 'static,
    {
        let store = Arc::clone(&self.store);
        interface.function(
            name,
            move |state: &mut CallState, (bucket, a): (Resource<Bucket>, A)| {
                let store = Arc::clone(&store);
                let bucket = state.table().get(&bucket).cloned();
                Box::pin(async move {
                    let bucket = bucket?;
                    Ok((blocking(move || work(&store, &bucket, a)).await?,))
                })
            },
        )
    }

    /// The same with two things more.
    fn on2<A, B, T>(
        &self,
        interface: &mut Interface<'_>,
        name: &str,
        work: impl Fn(&Embedded, &Bucket, A, B) -> Result<T, StoreError> + Copy + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        A: Lift + Send + Sync + 'static,
        B: Lift + Send + Sync + 'static,
        T: Lower + Send + Sync + 'static,
    {
        let store = Arc::clone(&self.store);
        interface.function(
            name,
            move |state: &mut CallState, (bucket, a, b): (Resource<Bucket>, A, B)| {
                let store = Arc::clone(&store);
                let bucket = state.table().get(&bucket).cloned();
                Box::pin(async move {
                    let bucket = bucket?;
                    Ok((blocking(move || work(&store, &bucket, a, b)).await?,))
                })
            },
        )
    }
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
        let message =
            format!("one call may have {MOST_HANDLES} handles of values, and has had them");
        return Ok(Err(Error::Other(message)));
    }
    handles.0 += 1;
    Ok(Ok(state.table().push(thing)?))
}

/// In 0.2.0-draft a cursor is how many keys came before.
fn numbered(
    store: &Embedded,
    bucket: &Bucket,
    cursor: Option<u64>,
) -> Result<NumberedPage, StoreError> {
    let (mut keys, mut after) = (Vec::new(), String::new());
    let wanted = cursor.unwrap_or(0);
    let mut passed = 0;
    while passed <= wanted {
        keys = store.keys(bucket, &after)?;
        let Some(last) = keys.last() else { break };
        after.clone_from(last);
        passed += PAGE as u64;
    }
    let more = keys.len() == PAGE;
    Ok(NumberedPage { keys, cursor: more.then_some(passed) })
}

/// Reading and writing waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> wasmtime::Result<Answer<T>> {
    let worked = tokio::task::spawn_blocking(work).await?;
    Ok(worked.map_err(|error| Error::Other(error.to_string())))
}
