//! What workers tell each other of their canaries: a file for each in the versions folder.
//!
//! Each call of a run may come to another worker, and a worker may end at any time. Judged by what one process has seen, a
//! busy canary would look rare to a worker that has just started, and three good runs would promote it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::{Trial, Trials};
use crate::registry::lock;

/// The folder of these files in the versions folder.
const FOLDER_NAME: &str = "tallies";

/// When a file about canaries that nobody knows has no writer any more.
const ABANDONED: Duration = Duration::from_hours(1);

/// The files of one versions folder, and this process's own among them.
#[derive(Debug)]
pub(crate) struct Shared {
    folder: PathBuf,
    own: PathBuf,
    /// What the own file says; none before it is written.
    said: Mutex<Option<Trials>>,
}

impl Shared {
    /// Of the versions folder `versions`; nothing is written before a canary begins.
    pub(crate) fn new(versions: &Path) -> Self {
        let folder = versions.join(FOLDER_NAME);
        // Of two processes on two machines only one can have this time and this number at once.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let own = folder.join(format!("{}-{}.json", now.as_nanos(), std::process::id()));
        Self { folder, own, said: Mutex::default() }
    }

    /// Tells what was counted here, and answers with what all others have counted for the same canaries. Blocks for the
    /// disk.
    pub(crate) fn exchange(&self, own: &Trials) -> io::Result<Trials> {
        let mut said = lock(&self.said);
        if own.is_empty() {
            if said.take().is_some() {
                fs::remove_file(&self.own).or_else(missing_is_fine)?;
            }
            return Ok(Trials::new());
        }
        if said.as_ref() != Some(own) {
            self.write(own)?;
            *said = Some(own.clone());
        }
        self.others(own)
    }

    fn write(&self, own: &Trials) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let part = self.own.with_extension("part");
        fs::write(&part, serde_json::to_vec(own)?)?;
        fs::rename(part, &self.own)
    }

    fn others(&self, own: &Trials) -> io::Result<Trials> {
        let mut all = Trials::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            if path == self.own || path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let said = match fs::read(&path) {
                Ok(bytes) => serde_json::from_slice::<Trials>(&bytes).unwrap_or_default(),
                // It went away meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let same = said.into_iter().filter(|(function, trial)| {
                own.get(function).is_some_and(|known: &Trial| known.same(trial))
            });
            let same: Vec<_> = same.collect();
            if same.is_empty() && is_abandoned(&path) {
                fs::remove_file(&path).or_else(missing_is_fine)?;
            }
            for (function, trial) in same {
                match all.get_mut(&function) {
                    Some(sum) => Trial::add(sum, &trial),
                    // Added to nothing: what follows from the runs is computed then.
                    None => drop(all.insert(function, trial)),
                }
            }
        }
        Ok(all)
    }
}

fn is_abandoned(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > ABANDONED)
}

fn missing_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
