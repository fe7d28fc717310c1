//! What the tests of a folder share.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use protocol::digest::Digest;
use registry::folder::{Folder, FolderOptions};
use registry::source::{Found, Scan, SourceError};
use tempfile::TempDir;

/// Patience with a busy machine; nothing is expected to take that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A component with nothing in it but a custom section of this many bytes, all of one kind.
pub(crate) fn component(filler: u8, size: u8) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend([0, size & 0x7f]);
    bytes.extend(vec![0; 1]);
    bytes.extend(vec![filler; usize::from(size & 0x7f) - 1]);
    bytes
}

/// Writes beside, then renames into place: the way to publish.
pub(crate) fn publish(path: &Path, bytes: &[u8]) {
    let beside = path.with_file_name(format!(
        ".{}.{:?}.tmp",
        path.file_name().expect("the file system").to_string_lossy(),
        std::thread::current().id()
    ));
    fs::write(&beside, bytes).expect("the file system");
    fs::rename(&beside, path).expect("the file system");
}

/// Makes a file look as if nobody had touched it for long.
pub(crate) fn age(path: &Path) {
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(1);
    File::open(path).expect("the file system").set_modified(long_ago).expect("the file system");
}

pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    pub(crate) folder: Folder,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(FolderOptions::default())
    }

    pub(crate) fn with(options: FolderOptions) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(dir.path(), options);
        Self { dir, folder }
    }

    pub(crate) fn path(&self, file: &str) -> std::path::PathBuf {
        self.dir.path().join(file)
    }
}

pub(crate) async fn changed(folder: &Folder) {
    tokio::time::timeout(PATIENCE, folder.changed()).await.expect("a change");
}

/// Waits for changes until a scan is as wanted.
pub(crate) async fn until(folder: &Folder, wanted: impl Fn(&Scan) -> bool) -> Scan {
    let search = async {
        loop {
            let scan = folder.scan().await;
            if wanted(&scan) {
                return scan;
            }
            folder.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the wanted state")
}

pub(crate) fn is(scan: &Scan, name: &str, bytes: &[u8]) -> bool {
    scan.components.get(name).and_then(Found::digest) == Some(Digest::of(bytes))
}

pub(crate) async fn bytes_of(scan: &Scan, name: &str) -> Result<Vec<u8>, SourceError> {
    match &scan.components[name] {
        Found::Ready { content, .. } => content.bytes().await.map(|bytes| bytes.to_vec()),
        other => panic!("{name} is {other:?}"),
    }
}

pub(crate) fn reason(scan: &Scan, name: &str) -> String {
    match &scan.components[name] {
        Found::Faulty { reason } => reason.clone(),
        other => panic!("{name} is {other:?}"),
    }
}
