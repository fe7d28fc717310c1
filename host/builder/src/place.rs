//! Puts built components where a worker finds them: whole or not at all, and without what was built before and is
//! gone now.

use std::fs;
use std::path::{Path, PathBuf};

use crate::BuildError;

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

/// Lists what the builder put into a folder, so that it removes no one else's files.
const LIST: &str = ".built";

pub(crate) fn place(artifacts: &[PathBuf], folder: &Path) -> Result<Vec<Placed>, BuildError> {
    fs::create_dir_all(folder).map_err(|reason| file_error(folder, reason))?;
    let mut placed = Vec::new();
    for artifact in artifacts {
        let stem = artifact.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        placed.push(copy(artifact, &folder.join(format!("{stem}.wasm")))?);
    }
    placed.sort_by(|a, b| a.path.cmp(&b.path));
    forget_others(&placed, folder)?;
    Ok(placed)
}

/// Copies by renaming into place: a reader sees the old file or the new one, never half of it.
fn copy(from: &Path, to: &Path) -> Result<Placed, BuildError> {
    let bytes = fs::read(from).map_err(|reason| file_error(from, reason))?;
    let changed = fs::read(to).map_or(true, |old| old != bytes);
    if changed {
        let partial = to.with_extension("wasm.partial");
        fs::write(&partial, &bytes).map_err(|reason| file_error(&partial, reason))?;
        fs::rename(&partial, to).map_err(|reason| file_error(to, reason))?;
    }
    Ok(Placed { path: to.to_owned(), bytes: bytes.len() as u64, changed })
}

fn forget_others(placed: &[Placed], folder: &Path) -> Result<(), BuildError> {
    let list = folder.join(LIST);
    let names: Vec<_> = placed
        .iter()
        .filter_map(|placed| placed.path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for old in fs::read_to_string(&list).unwrap_or_default().lines() {
        let plain = Path::new(old).components().count() == 1;
        if plain && !names.iter().any(|name| name == old) {
            // Gone already is as good.
            drop(fs::remove_file(folder.join(old)));
        }
    }
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
        let artifact = |name: &str, bytes: &[u8]| {
            let path = made.join(name);
            fs::write(&path, bytes).expect("written");
            path
        };
        let both = [artifact("one_fn.wasm", b"1"), artifact("two.wasm", b"22")];
        let first = place(&both, &placed).expect("placed");
        assert_eq!(
            first.iter().map(|p| (p.bytes, p.changed)).collect::<Vec<_>>(),
            [(1, true), (2, true)]
        );
        assert!(placed.join("one-fn.wasm").is_file());
        fs::write(placed.join("mine.wasm"), b"by hand").expect("written");

        let second = place(&both[..1], &placed).expect("placed");
        assert!(!second[0].changed);
        assert!(!placed.join("two.wasm").exists(), "built before, not now");
        assert!(placed.join("mine.wasm").exists(), "somebody else's");
    }
}
