//! The folders that were named → cargo projects, and the components of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use builder::{Affected, Project};

use super::sources::{Places, Saved};
use super::turns::Work;

/// What is built: projects, and which of their packages are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Projects {
    /// What was named, or found by itself; whole paths.
    folders: Vec<PathBuf>,
    /// Whether those are meant too that have to be named otherwise.
    all: bool,
    meant: Vec<Meant>,
}

/// A project, and which of its packages are meant.
#[derive(Debug, Clone)]
pub(crate) struct Meant {
    pub(crate) project: Project,
    /// The components among its packages that lie below a folder that was named.
    pub(crate) components: BTreeSet<String>,
    /// The files that lie in no package and went into a component when it was built last, by its name: interfaces, and what
    /// macros and build scripts read.
    inputs: BTreeMap<String, BTreeSet<PathBuf>>,
}

impl Meant {
    /// Notes what a component was made of.
    pub(crate) fn made_of(&mut self, component: &Path) {
        let stem = component.file_stem().unwrap_or_default().to_string_lossy();
        let is = |name: &&String| name.replace('-', "_") == *stem;
        let Some(name) = self.components.iter().find(is).cloned() else { return };
        let (packages, target) = (&self.project.packages, &self.project.target);
        let mut files = builder::inputs(component);
        files.retain(|file| {
            let in_package = packages.values().any(|package| file.starts_with(&package.folder));
            file.is_absolute() && !in_package && !file.starts_with(target)
        });
        self.inputs.insert(name, files);
    }

    /// The components that a file outside of all packages goes into.
    fn made_with(&self, file: &Path) -> impl Iterator<Item = &String> {
        let with = self.inputs.iter().filter(move |(_, files)| files.contains(file));
        with.map(|(name, _)| name)
    }
}

impl Projects {
    /// The folders that were named; where none was, the nearest `functions/` beside a manifest, or else beneath the
    /// current folder, or else the package that the current folder belongs to.
    pub(crate) fn find(named: &[PathBuf]) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the current folder is unknown")?;
        Self::find_from(&here, named)
    }

    /// The same with those that have to be named otherwise.
    pub(crate) fn find_all() -> anyhow::Result<Self> {
        Ok(Self { all: true, ..Self::find(&[])? })
    }

    fn find_from(here: &Path, named: &[PathBuf]) -> anyhow::Result<Self> {
        let named: Vec<PathBuf> = if named.is_empty() {
            let both =
                |dir: &&Path| dir.join("functions").is_dir() && dir.join("Cargo.toml").is_file();
            let workspace = here.ancestors().find(both);
            let package = here.ancestors().find(|dir| dir.join("Cargo.toml").is_file());
            match (workspace, package) {
                // Whoever stands in one function means that one.
                (Some(workspace), Some(package))
                    if package.starts_with(workspace.join("functions")) =>
                {
                    vec![package.to_owned()]
                }
                (Some(workspace), _) => vec![workspace.join("functions")],
                (None, _) if here.join("functions").is_dir() => vec![here.join("functions")],
                (None, Some(package)) => vec![package.to_owned()],
                (None, None) => bail!(
                    "there are no functions in {}: neither a functions/ folder nor a Cargo.toml here or above; make one with `system-bus new NAME`, or name a folder",
                    here.display()
                ),
            }
        } else {
            named.to_vec()
        };
        let whole = |folder: PathBuf| {
            let path = here.join(folder);
            path.canonicalize().with_context(|| {
                format!("{}: there is no such folder to look for functions in", path.display())
            })
        };
        let folders = named.into_iter().map(whole).collect::<anyhow::Result<_>>()?;
        Ok(Self { folders, all: false, meant: Vec::new() })
    }

    /// The folder that relative paths of the output start at: the first project's root.
    pub(crate) fn root(&self) -> &Path {
        let first = self.meant.first().map(|meant| meant.project.root.as_path());
        first.unwrap_or_else(|| self.folders.first().map_or(Path::new("."), PathBuf::as_path))
    }

    pub(crate) fn each(&mut self) -> &mut [Meant] {
        &mut self.meant
    }

    /// Asks cargo what there is now. Blocks for some tenths of a second.
    ///
    /// A folder may belong to a project, or hold packages that stand alone, each in a folder of its own.
    pub(crate) fn read(&self) -> anyhow::Result<Self> {
        let mut projects: Vec<Meant> = Vec::new();
        for folder in &self.folders {
            if folder.ancestors().any(|dir| dir.join("Cargo.toml").is_file()) {
                add(&mut projects, folder, self.all)?;
            }
            for package in packages_in(folder) {
                let known = |meant: &Meant| {
                    meant.project.packages.values().any(|known| known.folder == package)
                };
                if !projects.iter().any(known) {
                    add(&mut projects, &package, self.all)?;
                }
            }
        }
        for meant in &mut projects {
            let before = self.meant.iter().find(|one| one.project.root == meant.project.root);
            // They hold until the next build has said what is so.
            meant.inputs = before.map(|before| before.inputs.clone()).unwrap_or_default();
        }
        let found = Self { folders: self.folders.clone(), all: self.all, meant: projects };
        if found.components().next().is_none() {
            let folders: Vec<_> = found.folders.iter().map(|f| f.display().to_string()).collect();
            bail!(
                "{} holds no component: no package there is a library of crate-type cdylib that depends on {}; make one with `system-bus new NAME`",
                folders.join(", "),
                builder::project::SDK
            );
        }
        Ok(found)
    }

    /// The names of all components that are meant.
    pub(crate) fn components(&self) -> impl Iterator<Item = &str> {
        self.meant.iter().flat_map(|meant| meant.components.iter().map(String::as_str))
    }

    /// The folder of each component that is meant.
    pub(crate) fn component_folders(&self) -> Vec<PathBuf> {
        let folders = self.meant.iter().flat_map(|meant| {
            let packages =
                meant.components.iter().filter_map(|one| meant.project.packages.get(one));
            packages.map(|package| package.folder.clone())
        });
        folders.collect()
    }

    /// Where the sources are.
    pub(crate) fn places(&self) -> Places {
        // The folders themselves too: one more package may appear in them.
        let mut places =
            Places { folders: self.folders.iter().cloned().collect(), ..Places::default() };
        for Meant { project, components, inputs } in &self.meant {
            places.files.extend(inputs.values().flatten().cloned());
            places.folders.extend(project.folders_of(components));
            for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
                places.files.insert(project.root.join(file));
            }
            places.except.insert(project.target.clone());
        }
        places
    }

    /// What is to be built because of these files; none where nothing is. `building`: cargo is at work, and what happens
    /// to its lock file is its own doing.
    pub(crate) fn work(&self, saved: &[Saved], building: bool) -> Option<Work> {
        let mut work = Work::default();
        for Saved { path, at } in saved {
            if building && path.ends_with("Cargo.lock") {
                continue;
            }
            let before = (work.shape, work.components.len());
            // Nothing could be read so far: whatever is saved may be what was wrong. And a manifest may be a new package's.
            work.shape |= self.meant.is_empty() || path.ends_with("Cargo.toml");
            for meant in &self.meant {
                work.components.extend(meant.made_with(path).cloned());
                match meant.project.affected(path) {
                    Affected::Nothing => {}
                    Affected::Shape => work.shape = true,
                    Affected::Components(components) => {
                        work.components.extend(components.intersection(&meant.components).cloned());
                    }
                }
            }
            if before != (work.shape, work.components.len()) || work.saved.is_some() {
                work.saved = work.saved.max(Some(*at));
            }
        }
        (work.shape || !work.components.is_empty()).then_some(work)
    }
}

/// Adds the project that a folder belongs to, with the components below the folder.
fn add(projects: &mut Vec<Meant>, folder: &Path, all: bool) -> anyhow::Result<()> {
    let project = Project::read(folder)?;
    let meant = project.components_below(folder);
    let meant = meant.filter(|package| all || project.goes_with(folder, package));
    let components = meant.map(|package| package.name.clone()).collect();
    match projects.iter_mut().find(|meant| meant.project.root == project.root) {
        Some(known) => known.components.extend::<BTreeSet<_>>(components),
        None => projects.push(Meant { project, components, inputs: BTreeMap::new() }),
    }
    Ok(())
}

/// The folders in a folder that have a manifest.
fn packages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut packages: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    packages.sort();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_name_the_nearest_functions_are_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        let make = |dir: &str, manifest: bool| {
            std::fs::create_dir_all(root.join(dir)).expect("a folder");
            if manifest {
                std::fs::write(root.join(dir).join("Cargo.toml"), "").expect("written");
            }
        };
        make("workspace/functions/one/src", false);
        make("workspace/functions/one", true);
        make("workspace", true);
        make("loose/functions", false);
        make("package/src", false);
        make("package", true);
        make("empty", false);
        for (here, named, expected) in [
            ("workspace", "", "workspace/functions"),
            ("workspace/functions", "", "workspace/functions"),
            ("workspace/functions/one/src", "", "workspace/functions/one"),
            ("loose", "", "loose/functions"),
            ("package/src", "", "package"),
            ("empty", "../package", "package"),
        ] {
            let named: Vec<_> =
                Some(named).filter(|n| !n.is_empty()).map(PathBuf::from).into_iter().collect();
            let found = Projects::find_from(&root.join(here), &named).expect("functions");
            assert_eq!(found.folders, [root.join(expected)], "{here}");
        }
        for (here, named, fault) in
            [("empty", "", "system-bus new NAME"), ("empty", "gone", "there is no such folder")]
        {
            let named: Vec<_> =
                Some(named).filter(|n| !n.is_empty()).map(PathBuf::from).into_iter().collect();
            let said =
                Projects::find_from(&root.join(here), &named).expect_err("nothing").to_string();
            assert!(said.contains(fault), "{said}");
        }
    }
}
