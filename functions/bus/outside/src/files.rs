//! Files.

use system_bus_sdk::Io;

use crate::Answer;

/// A folder that the operator grants, by the name of its root.
#[derive(Clone, Debug)]
pub struct Folder<'io> {
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "a test has files without it")
    )]
    io: &'io Io,
    root: String,
}

impl<'io> Folder<'io> {
    /// The root of this name.
    pub fn of(io: &'io Io, root: impl Into<String>) -> Self {
        Self { io, root: root.into() }
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Answer<String> {
        self.door().read_to_string(path)
    }

    /// Puts a whole file in place.
    pub fn write(&self, path: &str, content: &str) -> Answer<()> {
        self.door().write(path, content)
    }

    /// Adds to the end of a file, which is made where there is none. Look first what is there: a step may run twice.
    pub fn append(&self, path: &str, content: &str) -> Answer<()> {
        self.door().append(path, content)
    }

    /// Makes a folder, and those above it.
    pub fn make(&self, path: &str) -> Answer<()> {
        self.door().make_folder(path)
    }

    /// Moves a file or a folder within the root.
    pub fn rename(&self, from: &str, to: &str) -> Answer<()> {
        self.door().rename(from, to)
    }

    /// Removes a file or an empty folder; one that is not there is fine.
    pub fn remove(&self, path: &str) -> Answer<()> {
        match self.door().remove(path) {
            Err(refused) if refused.reason() == system_bus_sdk::Reason::Missing => Ok(()),
            other => other,
        }
    }

    /// The names in a folder, sorted, those of folders with `/` behind them.
    pub fn names(&self, path: &str) -> Answer<Vec<String>> {
        let mut names = self.door().names(path)?;
        names.sort();
        Ok(names)
    }

    /// How large a file is; none where there is none.
    pub fn size(&self, path: &str) -> Answer<Option<u64>> {
        match self.door().size(path) {
            Ok(size) => Ok(Some(size)),
            Err(refused) if refused.reason() == system_bus_sdk::Reason::Missing => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// When a file was last changed, in milliseconds since 1970; none where nobody can tell.
    pub fn changed(&self, path: &str) -> Answer<Option<i64>> {
        self.door().changed(path)
    }

    #[cfg(target_family = "wasm")]
    fn door(&self) -> door::Root {
        door::Root(self.io.fs().root(&self.root))
    }

    #[cfg(not(target_family = "wasm"))]
    fn door(&self) -> crate::testing::Root {
        crate::testing::Root::of(&self.root)
    }
}

#[cfg(target_family = "wasm")]
mod door {
    use system_bus_sdk::fs;

    use crate::Answer;

    pub(super) struct Root(pub(super) fs::Root);

    impl Root {
        pub(super) fn names(&self, path: &str) -> Answer<Vec<String>> {
            let entries = self.0.list(path)?.into_iter();
            let name = |entry: fs::Entry| match entry.kind {
                fs::Kind::Folder => format!("{}/", entry.name),
                _ => entry.name,
            };
            Ok(entries.map(name).collect())
        }

        pub(super) fn size(&self, path: &str) -> Answer<u64> {
            Ok(self.0.metadata(path)?.size)
        }

        pub(super) fn changed(&self, path: &str) -> Answer<Option<i64>> {
            let modified = self.0.metadata(path)?.modified;
            let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            Ok(since.and_then(|since| i64::try_from(since.as_millis()).ok()))
        }
    }

    impl std::ops::Deref for Root {
        type Target = fs::Root;

        fn deref(&self) -> &fs::Root {
            &self.0
        }
    }
}
