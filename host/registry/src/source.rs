//! Where components come from: what is there now, and when that changes.
//!
//! A [`Source`] joins a watched folder and references into OCI registries. Whoever uses it asks for a [`Scan`], acts on
//! it, and waits for [`Source::changed`] before the next one.

mod loan;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::digest::{Digest, Hashed};

pub(crate) use self::loan::Loan;
use crate::folder::Folder;
use crate::oci::fetch::Fetcher;
use crate::oci::{ComponentReference, Oci};

/// Everything that is there at one moment.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// By the component's name. A name that is absent is gone for good: what is only out of reach is still listed.
    pub components: BTreeMap<String, Found>,
    /// What keeps this from being up to date, such as a folder that has vanished or a registry that is away. What was
    /// known of it is still listed.
    pub troubles: Vec<String>,
}

/// What there is of one component.
#[derive(Debug, Clone)]
pub enum Found {
    /// Its bytes are all there. Nothing is said about whether they are a component.
    Ready {
        /// Where it is.
        origin: Origin,
        /// Which bytes.
        digest: Digest,
        /// The way to the bytes.
        content: Content,
    },
    /// It is being written or replaced at this moment; whatever was known of it stays true until that has ended.
    Unsettled,
    /// It cannot be read.
    Faulty {
        /// Why, and what helps.
        reason: String,
    },
}

impl Found {
    /// The digest of what is ready.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Ready { digest, .. } => Some(*digest),
            Self::Unsettled | Self::Faulty { .. } => None,
        }
    }
}

/// Where a component was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of the watched folder.
    File(PathBuf),
    /// A reference into an OCI registry, as it was given.
    Reference(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Reference(reference) => f.write_str(reference),
        }
    }
}

/// The bytes of a component that is ready.
///
/// A source keeps no bytes for long: many components of some MiB each would fill the memory of a worker that has long
/// compiled them. The first scan after a change brings the bytes along; later ones read them again when asked to.
#[derive(Debug, Clone)]
pub struct Content {
    digest: Digest,
    held: Option<Arc<[u8]>>,
    again: Again,
}

/// How to read bytes once more.
#[derive(Debug, Clone)]
pub(crate) enum Again {
    File {
        path: PathBuf,
        largest: u64,
    },
    Registry(Fetcher),
    /// Somebody has handed them over; they are not to be had anywhere.
    Nowhere,
}

impl Content {
    pub(crate) fn new(digest: Digest, held: Option<Arc<[u8]>>, again: Again) -> Self {
        Self { digest, held, again }
    }

    /// The bytes, which have the digest that was found. Fails when they had to be read again and have changed or gone
    /// meanwhile: the next scan knows more.
    pub async fn hashed(&self) -> Result<Hashed, SourceError> {
        Ok(Hashed::assured(self.digest, self.bytes().await?))
    }

    /// [`Self::hashed`] without the digest.
    pub async fn bytes(&self) -> Result<Arc<[u8]>, SourceError> {
        if let Some(bytes) = &self.held {
            return Ok(bytes.clone());
        }
        match &self.again {
            Again::File { path, largest } => {
                crate::folder::read_again(path.clone(), *largest, self.digest).await
            }
            Again::Registry(fetcher) => {
                let digest = self.digest;
                fetcher.fetch(&digest).await?.ok_or(SourceError::Gone { digest })
            }
            Again::Nowhere => Err(SourceError::Gone { digest: self.digest }),
        }
    }
}

/// Why bytes that were found cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The file has other bytes than those that were found.
    #[error("{path} has changed since it was looked at; look again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}; check that it exists and that this user may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// No repository has it any more.
    #[error("no repository has the component {digest} any more; publish it again")]
    Gone {
        /// Which component.
        digest: Digest,
    },
    /// The registry cannot be asked.
    #[error("the component {digest} cannot be fetched: {reason}")]
    Registry {
        /// Which component.
        digest: Digest,
        /// What was asked, and what came of it.
        reason: String,
    },
}

/// A folder, a list of OCI references, both or none.
#[derive(Debug, Default)]
pub struct Source {
    folder: Option<Folder>,
    oci: Option<Oci>,
}

impl Source {
    /// Joins what there is. With neither, scans are empty and nothing ever changes.
    pub fn new(folder: Option<Folder>, oci: Option<Oci>) -> Self {
        Self { folder, oci }
    }

    /// Everything that is there now. A name that both have is faulty, since nobody could tell which one runs.
    ///
    /// Returns within a few milliseconds, or one settle time later when a file is just being written; only the
    /// first scan asks the registries.
    pub async fn scan(&self) -> Scan {
        let folder = async {
            match &self.folder {
                Some(folder) => folder.scan().await,
                None => Scan::default(),
            }
        };
        let oci = async {
            match &self.oci {
                Some(oci) => oci.scan().await,
                None => Scan::default(),
            }
        };
        let (folder, oci) = tokio::join!(folder, oci);
        join(folder, oci)
    }

    /// Asks the registries now what their tags mean. For somebody who has just published and asks for a reload; a scan
    /// follows. Returns when all have answered or are taken to be away.
    pub async fn refresh(&self) {
        if let Some(oci) = &self.oci {
            oci.refresh().await;
        }
    }

    /// Takes components from these references from now on, beside the folder. Does nothing where there were no references
    /// at first.
    pub fn take_from(&self, references: Vec<ComponentReference>) {
        if let Some(oci) = &self.oci {
            oci.take_from(references);
        }
    }

    /// Returns when a scan would find something else than the last one did. Cancelling it loses nothing. One caller at a
    /// time: two would share the news between them.
    pub async fn changed(&self) {
        let folder = async {
            match &self.folder {
                Some(folder) => folder.changed().await,
                None => std::future::pending().await,
            }
        };
        let oci = async {
            match &self.oci {
                Some(oci) => oci.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = folder => {}
            () = oci => {}
        }
    }

    /// A component by its digest, for runs that need another version than the present one. `None` when nobody has it.
    /// Fails when nobody has it but not everybody could be asked.
    pub async fn fetch(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, SourceError> {
        if let Some(folder) = &self.folder
            && let Some(bytes) = folder.fetch(digest).await
        {
            return Ok(Some(bytes));
        }
        match &self.oci {
            Some(oci) => oci.fetch(digest).await,
            None => Ok(None),
        }
    }
}

/// Two scans → one.
pub(crate) fn join(mut one: Scan, other: Scan) -> Scan {
    for (name, found) in other.components {
        match one.components.remove(&name) {
            None => one.components.insert(name, found),
            Some(first) => {
                let reason = format!(
                    "two components are called {name}: {} and {}; rename or remove one of them",
                    place(&first),
                    place(&found),
                );
                one.components.insert(name, Found::Faulty { reason })
            }
        };
    }
    one.troubles.extend(other.troubles);
    one
}

fn place(found: &Found) -> String {
    match found {
        Found::Ready { origin, .. } => origin.to_string(),
        Found::Unsettled => "one that is not there yet".to_owned(),
        Found::Faulty { .. } => "one that cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(reason: &str) -> Found {
        Found::Faulty { reason: reason.to_owned() }
    }

    #[test]
    fn a_name_that_two_sources_have_belongs_to_neither() {
        let scan = |names: &[&str], trouble: &str| Scan {
            components: names.iter().map(|name| ((*name).to_owned(), faulty(trouble))).collect(),
            troubles: vec![trouble.to_owned()],
        };
        let joined = join(scan(&["a", "both"], "folder"), scan(&["both", "c"], "oci"));
        assert_eq!(joined.troubles, ["folder", "oci"]);
        let told = |name: &str| match &joined.components[name] {
            Found::Faulty { reason } => reason.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!((told("a"), told("c")), ("folder", "oci"));
        assert!(told("both").starts_with("two components are called both: "), "{}", told("both"));
    }

    #[tokio::test]
    async fn with_no_source_there_is_nothing() {
        let source = Source::default();
        assert!(source.scan().await.components.is_empty());
        assert_eq!(source.fetch(&Digest::of(b"x")).await, Ok(None));
    }
}
