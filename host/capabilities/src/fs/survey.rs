//! Counts what a root holds, and removes what a killed writer left in it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::quota::Held;
use super::temporary;

/// Walks everything beneath a folder, links as what they are. What cannot be read is not counted: no component can write
/// there either. Stops with `None` as soon as `on` says so.
pub(crate) fn survey(dir: &Dir, on: impl Fn() -> bool) -> io::Result<Option<Held>> {
    let mut held = Held::default();
    // Paths, not handles: a tree has as many levels as its owner likes, and a process few handles.
    let mut ahead = vec![PathBuf::from(".")];
    while let Some(path) = ahead.pop() {
        if !on() {
            return Ok(None);
        }
        let Some(folder) = seen(dir.open_dir(&path))? else { continue };
        for entry in folder.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(kind) = seen(entry.file_type())? else { continue };
            if kind.is_file() && name.to_str().is_some_and(temporary::is_name) {
                tidy(&folder, &path, &name.to_string_lossy());
                continue;
            }
            held.files += 1;
            if kind.is_dir() {
                ahead.push(path.join(name));
            } else if kind.is_file() {
                held.bytes += seen(entry.metadata())?.map_or(0, |metadata| metadata.len());
            }
        }
    }
    Ok(Some(held))
}

/// Leaves out what has gone meanwhile, what was exchanged for a link, and what cannot be read.
fn seen<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

fn tidy(folder: &Dir, path: &Path, name: &str) {
    let file = path.join(name).display().to_string();
    match temporary::remove_if_abandoned(folder, name) {
        Ok(true) => tracing::info!(file, "removed a file that a killed worker had not finished"),
        Ok(false) => {}
        Err(error) => tracing::warn!(file, %error, "a file that was not finished stays behind"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn everything_with_a_name_counts_and_links_as_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("large"), [0; 5_000]).expect("written");
        fs::create_dir_all(at("a/b")).expect("made");
        fs::write(at("a/one"), [0; 100]).expect("written");
        fs::write(at("a/b/two"), [0; 20]).expect("written");
        symlink(outside.path(), at("elsewhere")).expect("linked");
        symlink(outside.path().join("large"), at("a/large")).expect("linked");
        symlink("..", at("a/b/circle")).expect("linked");
        let left = at("a").join(temporary::name(1));
        fs::write(&left, [0; 1_000]).expect("written");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("it opens");
        let held = survey(&dir, || true).expect("walked");
        assert_eq!(held, Some(Held { bytes: 120, files: 7 }));
        assert!(!left.exists(), "what a killed writer left");
        assert_eq!(survey(&dir, || false).expect("walked"), None);
    }
}
