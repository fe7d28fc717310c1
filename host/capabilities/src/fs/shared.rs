//! The roots, opened at the start, and who may use which.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use protocol::id::RunId;

use super::grant::{Access, Grant};
use super::path::Inside;
use super::quota::Quota;
use super::scratch::Scratch;
use super::space::Space;
use super::survey::survey;
use super::words::Spot;
use crate::grants::{Grants, Name, Size};
use crate::refusal::{Answer, Reason, Refusal};

/// The name of the folder that each run has for itself.
pub(crate) const SCRATCH: &str = "scratch";

/// The largest file that is read or written in one piece, unless the grant says otherwise.
const PIECE: u64 = 16 << 20;

/// What a run's own folder may hold, unless the grant says otherwise.
const SCRATCH_QUOTA: Quota = Quota { bytes: Some(256 << 20), files: Some(10_000) };

/// The roots, opened at the start, and who may use which. One for all capabilities that touch files.
#[derive(Debug)]
pub struct Roots {
    spaces: BTreeMap<Name, Arc<Space>>,
    components: BTreeMap<String, BTreeMap<Name, Terms>>,
    scratch: Scratch,
}

/// What one component may do with one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The number of its line among those of the component.
    pub(crate) line: usize,
    pub(crate) access: Access,
    pub(crate) quota: Quota,
    /// The largest file in one piece, in bytes.
    pub(crate) piece: u64,
}

/// Why the roots cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A root is not there, or cannot be looked into.
    #[error(
        "the root `{name}` cannot be opened at {}: {error}. Make the folder, or change `path` in [roots.{name}]",
        path.display()
    )]
    Root {
        /// Its name.
        name: Name,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A root depends on where the worker was started.
    #[error("the root `{name}` has the path {}, which is not absolute: write it from `/` on", path.display())]
    Relative {
        /// Its name.
        name: Name,
        /// What is written down.
        path: PathBuf,
    },
    /// A root has the name of what every run has.
    #[error(
        "a root cannot be called `scratch`: that is the folder of the run. Rename [roots.scratch]"
    )]
    Reserved,
    /// A component is granted a root that is not there.
    #[error(
        "the component `{component}` is granted the root `{root}`, and there is no [roots.{root}]"
    )]
    Unknown {
        /// The component.
        component: String,
        /// What its grant names.
        root: Name,
    },
    /// A component is granted one root twice.
    #[error(
        "the component `{component}` is granted the root `{root}` twice: write one line for it"
    )]
    Twice {
        /// The component.
        component: String,
        /// What its grants name.
        root: Name,
    },
    /// The folder of all runs' folders cannot be used.
    #[error("the scratch folders in {} cannot be used: {error}", path.display())]
    Scratch {
        /// Where they are.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Roots {
    /// Opens every root that the operator names. Blocks: roots that some component may change are walked once, to remove
    /// what a killed writer has left and, where a grant limits them, to count what is there.
    ///
    /// The folders of runs will be beneath `scratch`, which is made when it is needed; those that nobody has used for longer
    /// than `keep` are removed now. Make it longer than any run lasts.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let notes = tempfile::tempdir().unwrap();
    /// let text = format!("[roots.notes]\npath = {:?}", notes.path());
    /// let grants = capabilities::grants::parse(&text).unwrap();
    /// let scratch = notes.path().join("scratch");
    /// assert!(capabilities::fs::Roots::open(&grants, &scratch, Duration::MAX).is_ok());
    ///
    /// let grants = capabilities::grants::parse("[roots.notes]\npath = '/not/there'").unwrap();
    /// let error = capabilities::fs::Roots::open(&grants, &scratch, Duration::MAX).unwrap_err();
    /// assert!(error.to_string().starts_with("the root `notes` cannot be opened at /not/there"));
    /// ```
    pub fn open(grants: &Grants, scratch: &Path, keep: Duration) -> Result<Self, OpenError> {
        let components = terms(grants)?;
        let mut spaces = BTreeMap::new();
        for (name, root) in &grants.roots {
            let (name, path) = (name.clone(), root.path.clone());
            if name.as_str() == SCRATCH {
                return Err(OpenError::Reserved);
            }
            if path.is_relative() {
                return Err(OpenError::Relative { name, path });
            }
            let writers = components.values().filter_map(|terms| terms.get(&name));
            let writers: Vec<_> = writers.filter(|terms| terms.may_write()).collect();
            match open(&path, &writers) {
                Ok(space) => spaces.insert(name, Arc::new(space)),
                Err(error) => return Err(OpenError::Root { name, path, error }),
            };
        }
        let started = Scratch::start(scratch.to_owned(), keep, SystemTime::now());
        let scratch =
            started.map_err(|error| OpenError::Scratch { path: scratch.to_owned(), error })?;
        Ok(Self { spaces, components, scratch })
    }

    /// What a component may do with a root; refused where it may do nothing.
    pub(crate) fn terms(&self, component: &str, root: &str) -> Answer<Terms> {
        let granted = self.components.get(component).and_then(|roots| roots.get(root));
        granted.copied().ok_or_else(|| {
            let access = if root == SCRATCH { "" } else { ", access = \"read\"" };
            Refusal::denied(format!(
                "the component `{component}` may not use the root `{root}`: that takes \
                 `{{ root = \"{root}\"{access} }}` in `fs` of [components.{component}]"
            ))
        })
    }

    /// The root of this name that is in the operator's file.
    pub(crate) fn root(&self, name: &str) -> Answer<Arc<Space>> {
        self.spaces.get(name).map(Arc::clone).ok_or_else(|| {
            Refusal::new(Reason::Missing, format!("there is no root `{name}`: see [roots]"))
        })
    }

    /// The folder of a run, made if it has none. Blocks.
    pub(crate) fn scratch(&self, run: RunId) -> Answer<Arc<Space>> {
        self.scratch.open(run, SystemTime::now()).map_err(|error| {
            let base = self.scratch.base().display();
            let message = format!("the run's scratch folder cannot be made in {base}: {error}");
            Refusal::new(Reason::Failed, message)
        })
    }

    /// The folder at a path beneath a root that the component may use. Blocks.
    pub(crate) fn folder(
        &self,
        component: &str,
        run: RunId,
        root: &str,
        path: &str,
    ) -> Answer<Dir> {
        let spot = Spot::parse(root, path)?;
        self.terms(component, root)?;
        let space = if root == SCRATCH { self.scratch(run)? } else { self.root(root)? };
        space.dir().open_dir(spot.path.as_path()).map_err(|error| spot.failed("opened", &error))
    }

    /// The run's own folder, for what runs in it without naming it: no grant is asked for. Blocks.
    pub(crate) fn scratch_folder(&self, run: RunId) -> Answer<Dir> {
        let space = self.scratch(run)?;
        let spot = Spot { root: SCRATCH.to_owned(), path: Inside::root() };
        space.dir().try_clone().map_err(|error| spot.failed("opened", &error))
    }

    /// Removes the folder of a run, if it has one, without waiting for it where somebody else can do so.
    pub(crate) fn run_ended(self: &Arc<Self>, run: RunId) {
        if !self.scratch.forget(run) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let roots = Arc::clone(self);
                // It ends when the folder is gone; a worker that stops waits for it.
                drop(runtime.spawn_blocking(move || roots.scratch.remove(run)));
            }
            Err(_) => self.scratch.remove(run),
        }
    }
}

impl Terms {
    fn of(line: usize, grant: &Grant) -> Self {
        let scratch = grant.root.as_str() == SCRATCH;
        let usual = if scratch { SCRATCH_QUOTA } else { Quota::default() };
        let bytes = grant.bytes.map(Size::bytes);
        Self {
            line,
            // Nobody can read what nobody may write.
            access: if scratch { Access::ReadWrite } else { grant.access },
            quota: Quota { bytes: bytes.or(usual.bytes), files: grant.files.or(usual.files) },
            piece: grant.file.map_or(PIECE, Size::bytes),
        }
    }

    /// Whether it may change what is there.
    pub(crate) fn may_write(&self) -> bool {
        self.access == Access::ReadWrite
    }
}

/// What each component may do with each root.
fn terms(grants: &Grants) -> Result<BTreeMap<String, BTreeMap<Name, Terms>>, OpenError> {
    let mut components = BTreeMap::new();
    for (component, granted) in &grants.components {
        let mut roots = BTreeMap::new();
        for (line, grant) in granted.fs.iter().enumerate() {
            let (component, root) = (component.clone(), grant.root.clone());
            if root.as_str() != SCRATCH && !grants.roots.contains_key(&root) {
                return Err(OpenError::Unknown { component, root });
            }
            if roots.insert(root.clone(), Terms::of(line, grant)).is_some() {
                return Err(OpenError::Twice { component, root });
            }
        }
        components.insert(component.clone(), roots);
    }
    Ok(components)
}

/// Opens a root for those who may change it.
fn open(path: &Path, writers: &[&Terms]) -> io::Result<Space> {
    let dir = Dir::open_ambient_dir(path, ambient_authority())?;
    if writers.is_empty() {
        return Ok(Space::new(dir));
    }
    let held = survey(&dir, || true)?;
    let counts = writers.iter().any(|terms| terms.quota.counts());
    Ok(match held.filter(|_| counts) {
        Some(held) => Space::counted(dir, held),
        None => Space::new(dir),
    })
}

#[cfg(test)]
mod tests;
