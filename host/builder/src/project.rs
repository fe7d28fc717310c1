//! What a folder of functions is made of: its packages, which of them are components, and which one a file belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cargo::{cargo, start_error};
use crate::target::TARGET;
use crate::{BuildError, Which, profile};

/// What components are written with: a package that depends on it, and is a library of kind `cdylib`, is a component.
pub const SDK: &str = "system-bus-sdk";

/// A cargo workspace, or a package that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder of its root manifest.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// The packages whose sources are on this machine, by name: the members, and what they use by a path.
    pub packages: BTreeMap<String, Package>,
    /// Folders whose components are meant only where somebody names them, or all: `on-request` of
    /// `[workspace.metadata.system-bus]`.
    pub on_request: Vec<PathBuf>,
    /// Whether the root manifest says itself how components are optimised.
    pub(crate) has_function_profile: bool,
}

/// A package whose sources are on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// Whether it is a component: a member, a library of kind `cdylib`, written with the SDK.
    pub component: bool,
    /// Whether its examples are components, as those of test guests.
    pub(crate) guests: bool,
    /// The other packages of the project that it needs to be built, directly.
    uses: BTreeSet<String>,
}

/// What a file that has changed means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affected {
    /// No component is made of it.
    Nothing,
    /// These components, by the names of their packages.
    Components(BTreeSet<String>),
    /// The shape of the project: it is to be read again.
    Shape,
}

/// What decides about a whole project, wherever in it.
const SHAPES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "rust-toolchain"];

impl Project {
    /// Asks cargo about the project that a folder belongs to.
    ///
    /// Fails where there is no manifest in the folder or above it, or one that cargo cannot read; the error is cargo's own.
    pub fn read(folder: &Path) -> Result<Self, BuildError> {
        let output = cargo(folder)
            .args(["metadata", "--format-version", "1", "--filter-platform", TARGET])
            .output()
            .map_err(start_error)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(BuildError::Project { folder: folder.to_owned(), said });
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        let manifest = metadata.workspace_root.join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap_or_default();
        Ok(Self::new(metadata, profile::is_in(&manifest)))
    }

    fn new(metadata: Metadata, has_function_profile: bool) -> Self {
        let members: BTreeSet<String> = metadata.workspace_members.into_iter().collect();
        let (local, elsewhere): (Vec<_>, Vec<_>) =
            metadata.packages.into_iter().partition(|package| package.source.is_none());
        drop(elsewhere);
        let names: BTreeSet<String> = local.iter().map(|package| package.name.clone()).collect();
        let packages = local.into_iter().map(|found| {
            let member = members.contains(&found.id);
            let package = found.package(member, &names);
            (package.name.clone(), package)
        });
        let told = metadata.extra.unwrap_or_default().system_bus;
        let root = &metadata.workspace_root;
        Self {
            packages: packages.collect(),
            on_request: told.on_request.iter().map(|folder| root.join(folder)).collect(),
            root: metadata.workspace_root.clone(),
            target: metadata.target_directory,
            has_function_profile,
        }
    }

    /// The packages that are components and lie below a folder, sorted by name.
    pub fn components_below(&self, folder: &Path) -> impl Iterator<Item = &Package> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let below = move |package: &&Package| package.folder.starts_with(&folder);
        self.packages.values().filter(|package| package.component).filter(below)
    }

    /// Whether a component is meant by whoever names this folder: not where it lies in one that is to be named itself.
    pub fn goes_with(&self, folder: &Path, component: &Package) -> bool {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let apart = |group: &&PathBuf| component.folder.starts_with(group);
        self.on_request.iter().find(apart).is_none_or(|group| folder.starts_with(group))
    }

    /// The names of the packages that hold the components meant.
    pub(crate) fn meant(&self, which: Which) -> Vec<String> {
        let below = |folder: &str| {
            let folder = self.root.join(folder);
            move |package: &&Package| package.folder.starts_with(&folder)
        };
        let names = |package: &Package| package.name.clone();
        match which {
            Which::Functions => {
                let functions = self.root.join("functions");
                let below = self.components_below(&functions);
                below.filter(|package| self.goes_with(&functions, package)).map(names).collect()
            }
            Which::Guests => {
                let guests = self.packages.values().filter(|package| package.guests);
                guests.filter(below("functions/testing")).map(names).collect()
            }
        }
    }

    /// The folders whose files may go into one of these components: their own, and those of what they use.
    pub fn folders_of(&self, components: &BTreeSet<String>) -> BTreeSet<PathBuf> {
        let used = components.iter().flat_map(|component| self.needed_by(component));
        used.filter_map(|name| Some(self.packages.get(name)?.folder.clone())).collect()
    }

    /// What a file of this path means to its project.
    pub fn affected(&self, path: &Path) -> Affected {
        let homes = self.packages.values().filter(|package| path.starts_with(&package.folder));
        // A package may lie in the folder of another one; the nearest has the file.
        let home = homes.max_by_key(|package| package.folder.components().count());
        // What lies above is not hidden, whatever it is called.
        let base = home.map_or(&self.root, |home| &home.folder);
        let below = path.strip_prefix(base).unwrap_or(path);
        if is_noise(below) || path.starts_with(&self.target) {
            return Affected::Nothing;
        }
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if SHAPES.contains(&name) && (path.starts_with(&self.root) || name == "Cargo.toml") {
            return Affected::Shape;
        }
        let Some(home) = home else {
            return Affected::Nothing;
        };
        let made_of_it = |package: &&Package| {
            package.component && self.needed_by(&package.name).contains(&*home.name)
        };
        let components: BTreeSet<_> =
            self.packages.values().filter(made_of_it).map(|package| package.name.clone()).collect();
        if components.is_empty() { Affected::Nothing } else { Affected::Components(components) }
    }

    /// A package and everything of the project that it needs.
    fn needed_by<'p>(&'p self, package: &'p str) -> BTreeSet<&'p str> {
        let (mut needed, mut open) = (BTreeSet::new(), vec![package]);
        while let Some(name) = open.pop() {
            if needed.insert(name) {
                let uses = self.packages.get(name).map(|package| &package.uses);
                open.extend(uses.into_iter().flatten().map(String::as_str));
            }
        }
        needed
    }
}

/// Whether a file is none that anybody wrote to be built: what is hidden, and what editors leave for a moment.
pub fn is_noise(path: &Path) -> bool {
    let hidden = path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with('.') && part.len() > 1 && part != ".."
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default();
    hidden
        || name.ends_with('~')
        || name.starts_with('#')
        || name == "4913"
        || ["swp", "swx", "tmp", "bak", "orig"].iter().any(|one| ending == *one)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Found>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
    #[serde(rename = "metadata")]
    extra: Option<Extra>,
}

/// `[workspace.metadata]`, as far as it is ours.
#[derive(Deserialize, Default)]
struct Extra {
    #[serde(default, rename = "system-bus")]
    system_bus: Told,
}

/// `[workspace.metadata.system-bus]`.
#[derive(Deserialize, Default)]
struct Told {
    #[serde(default, rename = "on-request")]
    on_request: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    name: String,
    /// None for what is on this machine.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or none.
    kind: Option<String>,
}

impl Found {
    fn package(self, member: bool, local: &BTreeSet<String>) -> Package {
        let has = |kind: &str| {
            let of_kind = |t: &&Target| t.kind.iter().any(|k| k == kind);
            self.targets.iter().filter(of_kind).any(|t| t.crate_types.iter().any(|c| c == "cdylib"))
        };
        let needed = || self.dependencies.iter().filter(|one| one.kind.as_deref() != Some("dev"));
        Package {
            component: member && has("cdylib") && needed().any(|one| one.name == SDK),
            guests: member && has("example"),
            uses: needed()
                .map(|one| one.name.clone())
                .filter(|name| local.contains(name))
                .collect(),
            folder: self.manifest_path.parent().unwrap_or(Path::new("")).to_owned(),
            name: self.name,
        }
    }
}

#[cfg(test)]
mod tests;
