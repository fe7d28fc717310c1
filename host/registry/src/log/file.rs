//! The open file, and how far it was read.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::LogError;
use super::lines;
use super::lock::Lock;
use crate::activation::Activation;
use crate::history::History;

/// What was read of the file. One writes it, whoever has the [`Tail`]; many may compare the file with it.
#[derive(Debug)]
pub(super) struct Known {
    path: PathBuf,
    identity: Identity,
    /// How many bytes were read, to the end of a generation.
    offset: AtomicU64,
}

/// The file from where it was read on. Everything before has been given out.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    known: Arc<Known>,
    /// How many lines were read, for messages.
    lines: usize,
}

/// What tells a file from another one under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {}
    }
}

impl Known {
    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn offset(&self) -> u64 {
        self.offset.load(Ordering::Acquire)
    }

    /// Whether the file has more than was read of it. Fails when it is gone, shorter or another one.
    pub(super) fn grown(&self) -> Result<bool, LogError> {
        let path = &self.path;
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(LogError::Replaced { path: path.clone() });
            }
            Err(error) => return Err(LogError::io("look at", path)(error)),
        };
        if Identity::of(&metadata) != self.identity {
            return Err(LogError::Replaced { path: path.clone() });
        }
        let (length, known) = (metadata.len(), self.offset());
        if length < known {
            return Err(LogError::Truncated { path: path.clone(), length, known });
        }
        Ok(length > known)
    }
}

impl Tail {
    /// Opens the log, or begins one that outlives a power cut.
    pub(super) fn open(dir: &Path, path: PathBuf) -> Result<Self, LogError> {
        fs::create_dir_all(dir).map_err(LogError::io("create", dir))?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(LogError::io("open", &path))?;
        let metadata = file.metadata().map_err(LogError::io("look at", &path))?;
        if metadata.len() == 0 {
            // It may be this call that has made it.
            sync_folder(dir)?;
        }
        let identity = Identity::of(&metadata);
        let known = Arc::new(Known { path, identity, offset: AtomicU64::new(0) });
        Ok(Self { file, known, lines: 0 })
    }

    /// What was read, for those who do not read.
    pub(super) fn known(&self) -> Arc<Known> {
        self.known.clone()
    }

    /// Keeps everybody else away.
    pub(super) fn lock(&self, patience: Duration) -> Result<Lock, LogError> {
        Lock::wait(&self.file, &self.known.path, patience)
    }

    /// `history` with the lines behind it that have come since the last look; `None` without any. Only under the lock:
    /// then nobody is writing, and all that can be read is on disk.
    pub(super) fn read(&mut self, history: &History) -> Result<Option<History>, LogError> {
        let path = &self.known.path.clone();
        let piece = self.rest()?;
        let parsed = lines::parse(&piece).map_err(|bad| LogError::Corrupt {
            path: path.clone(),
            line: self.lines + bad.line + 1,
            problem: bad.problem,
        })?;
        if parsed.activations.is_empty() {
            return Ok(None);
        }
        let next = history
            .with(parsed.activations)
            .map_err(|disorder| LogError::Disorder { path: path.clone(), disorder })?;
        self.went_on(parsed.bytes, parsed.lines);
        Ok(Some(next))
    }

    /// Puts aside what is behind the last generation. Only under the lock, after [`Self::read`].
    pub(super) fn repair(&mut self) -> Result<(), LogError> {
        let torn = self.rest()?;
        if torn.is_empty() {
            return Ok(());
        }
        let (path, offset) = (&self.known.path, self.known.offset());
        let aside = path.with_extension(format!("torn-{offset}"));
        let io = |doing| LogError::io(doing, &aside);
        let mut file =
            OpenOptions::new().append(true).create(true).open(&aside).map_err(io("write"))?;
        file.write_all(&torn).and_then(|()| file.sync_all()).map_err(io("write"))?;
        self.file.set_len(offset).map_err(LogError::io("repair", path))?;
        self.file.sync_all().map_err(LogError::io("repair", path))?;
        tracing::warn!(
            log = %path.display(), bytes = torn.len(), aside = %aside.display(),
            "the activation log had a torn end: its writer died before it was on disk, so it was never in force; \
             it is put aside, and the log goes on without it"
        );
        Ok(())
    }

    /// Writes the lines of one generation, and waits for the disk. Only under the lock, after
    /// [`Self::repair`]. When it fails, the file is as it was.
    pub(super) fn write(&mut self, activations: &[Activation]) -> Result<(), LogError> {
        let text = lines::render(activations);
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What cannot be taken back either is repaired by the next writer, if it is torn.
            if let Err(error) = self.file.set_len(self.known.offset()) {
                tracing::warn!(%error, log = %self.known.path.display(), "cannot take a failed line back");
            }
            return Err(LogError::io("write to", &self.known.path)(error));
        }
        self.went_on(text.len(), activations.len());
        Ok(())
    }

    fn went_on(&mut self, bytes: usize, lines: usize) {
        self.known.offset.fetch_add(bytes as u64, Ordering::Release);
        self.lines += lines;
    }

    fn rest(&mut self) -> Result<Vec<u8>, LogError> {
        let mut rest = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.known.offset()))
            .and_then(|_| self.file.read_to_end(&mut rest))
            .map_err(LogError::io("read", &self.known.path))?;
        Ok(rest)
    }
}

/// Waits until the disk knows which files the folder has.
fn sync_folder(dir: &Path) -> Result<(), LogError> {
    // Elsewhere a folder cannot be opened as a file, and needs no such call.
    if cfg!(unix) {
        let folder = File::open(dir).map_err(LogError::io("open", dir))?;
        folder.sync_all().map_err(LogError::io("write", dir))?;
    }
    Ok(())
}
