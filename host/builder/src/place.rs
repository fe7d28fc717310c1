//! Puts built components where a worker finds them: whole or not at all, and without what was built before and is
//! gone now.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::BuildError;
use crate::strip::strip;

/// A component in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it differs from what was there.
    pub changed: bool,
}

/// A component that was built, ready to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What it is called: its file without the ending.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// What is in the folder besides what is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// What was built before and is not placed now is removed: it has no source any more.
    Remove,
    /// It stays: only some are placed.
    Keep,
}

/// Lists what the builder put into a folder, so that it removes no one else's files.
const LIST: &str = ".built";

impl Ready {
    /// Reads what cargo has made. `debug` leaves in what debuggers read, such as line tables.
    pub fn read(made: &Path, debug: bool) -> Result<Self, BuildError> {
        let bytes = fs::read(made).map_err(|reason| file_error(made, reason))?;
        let name = made.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        Ok(Self { name, bytes: if debug { bytes } else { strip(bytes) } })
    }
}

/// Puts components into a folder, each whole or not at all.
pub fn place(ready: &[Ready], folder: &Path, others: Others) -> Result<Vec<Placed>, BuildError> {
    fs::create_dir_all(folder).map_err(|reason| file_error(folder, reason))?;
    let mut placed = Vec::new();
    for component in ready {
        placed.push(write(component, &folder.join(format!("{}.wasm", component.name)))?);
    }
    placed.sort_by(|a, b| a.path.cmp(&b.path));
    note(&placed, folder, others)?;
    Ok(placed)
}

/// Writes by renaming into place: a reader sees the old file or the new one, never half of it.
fn write(component: &Ready, to: &Path) -> Result<Placed, BuildError> {
    let bytes = &component.bytes;
    let changed = fs::read(to).map_or(true, |old| old != *bytes);
    if changed {
        let partial = to.with_extension("wasm.partial");
        fs::write(&partial, bytes).map_err(|reason| file_error(&partial, reason))?;
        fs::rename(&partial, to).map_err(|reason| file_error(to, reason))?;
    }
    Ok(Placed { path: to.to_owned(), bytes: bytes.len() as u64, changed })
}

/// Writes down what is ours, and removes what was ours before.
fn note(placed: &[Placed], folder: &Path, others: Others) -> Result<(), BuildError> {
    let list = folder.join(LIST);
    let mut names: BTreeSet<String> = placed
        .iter()
        .filter_map(|placed| placed.path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for old in fs::read_to_string(&list).unwrap_or_default().lines() {
        let plain = Path::new(old).components().count() == 1;
        if !plain || names.contains(old) {
            continue;
        }
        if others == Others::Remove {
            // Gone already is as good.
            drop(fs::remove_file(folder.join(old)));
        } else {
            names.insert(old.to_owned());
        }
    }
    let names: Vec<_> = names.into_iter().collect();
    fs::write(&list, names.join("\n") + "\n").map_err(|reason| file_error(&list, reason))
}

fn file_error(path: &Path, reason: std::io::Error) -> BuildError {
    BuildError::File { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_placed_and_the_builders_own_leftovers_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (made, placed) = (folder.path().join("made"), folder.path().join("placed"));
        fs::create_dir(&made).expect("a folder");
        let ready = |name: &str, bytes: &[u8]| {
            let path = made.join(name);
            fs::write(&path, bytes).expect("written");
            Ready::read(&path, false).expect("read")
        };
        let both = [ready("one_fn.wasm", b"1"), ready("two.wasm", b"22")];
        let first = place(&both, &placed, Others::Remove).expect("placed");
        assert_eq!(
            first.iter().map(|p| (p.bytes, p.changed)).collect::<Vec<_>>(),
            [(1, true), (2, true)]
        );
        assert!(placed.join("one-fn.wasm").is_file());
        fs::write(placed.join("mine.wasm"), b"by hand").expect("written");

        let again = place(&both[..1], &placed, Others::Keep).expect("placed");
        assert!(!again[0].changed);
        assert!(placed.join("two.wasm").exists(), "not meant this time");

        place(&both[..1], &placed, Others::Remove).expect("placed");
        assert!(!placed.join("two.wasm").exists(), "built before, not now");
        assert!(placed.join("mine.wasm").exists(), "somebody else's");
    }
}
