//! A file that is not in place yet.
//!
//! It stands in the folder where it will be, because only there can it be put in place in one go. Its writer holds a lock
//! on it for as long as it lives, so whoever finds one without a lock knows that its writer was killed.

use std::fs::TryLockError;
use std::io;

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};

const BEFORE: &str = ".system-bus-";
const AFTER: &str = ".part";

/// How often a name is tried that is taken.
const TRIES: u32 = 8;

/// The name for this number.
pub(crate) fn name(number: u64) -> String {
    format!("{BEFORE}{number:016x}{AFTER}")
}

/// Whether a name is one of ours. Guests can neither name nor see such files.
pub(crate) fn is_name(name: &str) -> bool {
    let number = name.strip_prefix(BEFORE).and_then(|name| name.strip_suffix(AFTER));
    number.is_some_and(|number| number.len() == 16 && number.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A file that is not in place yet; removed where it never is.
pub(crate) struct Temporary<'f> {
    folder: &'f Dir,
    name: String,
    file: std::fs::File,
    placed: bool,
}

impl<'f> Temporary<'f> {
    /// A new file in this folder, which no more may read and write than `mode` says.
    pub(crate) fn begin(folder: &'f Dir, mode: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let mut tries = 0;
        loop {
            let number = getrandom::u64().map_err(io::Error::other)?;
            let name = name(number);
            match folder.open_with(&name, &options) {
                Ok(file) => {
                    let file = file.into_std();
                    let new = Self { folder, name, file, placed: false };
                    // On a file system without locks nothing is ever taken for abandoned either.
                    if let Err(TryLockError::WouldBlock) = new.file.try_lock() {
                        return Err(io::Error::other("somebody else took the new file"));
                    }
                    return Ok(new);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What is written to.
    pub(crate) fn file(&mut self) -> &mut std::fs::File {
        &mut self.file
    }

    /// Puts it in place under this name of its folder, over what is there. Afterwards it is there for good, also when the
    /// machine loses its power.
    pub(crate) fn place(mut self, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        self.folder.rename(&self.name, self.folder, name)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.placed
            && let Err(error) = self.folder.remove_file(&self.name)
        {
            tracing::warn!(file = self.name, %error, "a file that was not finished stays behind");
        }
    }
}

/// Removes such a file if nobody writes it any more; says whether it did.
pub(crate) fn remove_if_abandoned(folder: &Dir, name: &str) -> io::Result<bool> {
    let file: File = folder.open(name)?;
    match file.into_std().try_lock() {
        Ok(()) => folder.remove_file(name).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn names_are_known_again_and_others_are_not() {
        assert!(is_name(&name(0)) && is_name(&name(u64::MAX)));
        for other in ["", "a", ".system-bus-.part", ".system-bus-12.part", "x.part"] {
            assert!(!is_name(other), "{other}");
        }
        assert!(!is_name(&format!("{}x", name(1))));
    }

    #[test]
    fn only_what_nobody_writes_is_abandoned() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("it opens");
        let mut new = Temporary::begin(&dir, 0o600).expect("a file");
        new.file().write_all(b"half").expect("room");
        let name = new.name.clone();
        assert!(!remove_if_abandoned(&dir, &name).expect("looked at"));
        // As a killed writer leaves it: no lock, and nobody to remove it.
        new.placed = true;
        drop(new);
        assert!(dir.exists(&name));
        assert!(remove_if_abandoned(&dir, &name).expect("looked at"));
        assert!(!dir.exists(&name));
    }

    #[test]
    fn what_is_not_put_in_place_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("it opens");
        drop(Temporary::begin(&dir, 0o600).expect("a file"));
        assert_eq!(dir.entries().expect("a list").count(), 0);
        let mut new = Temporary::begin(&dir, 0o600).expect("a file");
        new.file().write_all(b"whole").expect("room");
        new.place("there").expect("put in place");
        assert_eq!(dir.read("there").expect("a file"), b"whole");
        assert_eq!(dir.entries().expect("a list").count(), 1);
    }
}
