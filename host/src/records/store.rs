//! Files of lines: written by one thread, bounded in bytes and age.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use super::RecordArgs;

/// How many lines may wait for the disk. What comes beyond is counted and dropped: nobody waits for it.
const WAITING: usize = 4096;

/// Into how many files the bytes are divided: so much goes at a time.
const PARTS: u64 = 8;

/// The least a file may grow to.
const LEAST: u64 = 4 << 10;

/// What the name of such a file ends with.
const SUFFIX: &str = ".jsonl";

/// What the thread is told.
enum Told {
    Line(String),
    /// Everything before this is to be written.
    Flush(SyncSender<()>),
}

/// Takes lines for the folder. Clones share the thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    told: SyncSender<Told>,
    dropped: Arc<AtomicU64>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    bytes: u64,
    age: Duration,
}

/// The file that is written to.
struct Segment {
    folder: PathBuf,
    file: File,
    path: PathBuf,
    /// The number of its name: the next one has a greater one, whatever the clock says.
    number: u128,
    bytes: u64,
    bounds: Bounds,
}

impl Writer {
    /// Begins a file in the folder, which is made if there is none.
    pub(crate) fn open(args: &RecordArgs) -> io::Result<Self> {
        let bounds = Bounds { bytes: args.records_limit, age: args.records_age };
        let segment = Segment::begin(&args.records, bounds)?;
        let (told, tell) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        thread::Builder::new().name("records".to_owned()).spawn(move || {
            segment.write_all(&tell, &counted);
        })?;
        Ok(Self { told, dropped })
    }

    /// Keeps a line, if there is room for it on its way.
    pub(crate) fn line(&self, line: String) {
        if self.told.try_send(Told::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns when what came before is written, or after this time.
    pub(crate) fn flush(&self, patience: Duration) {
        let (done, wait) = sync_channel(1);
        if self.told.try_send(Told::Flush(done)).is_ok() {
            // Late or not: the process ends.
            let _ = wait.recv_timeout(patience);
        }
    }
}

impl Segment {
    fn begin(folder: &Path, bounds: Bounds) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let (file, path, number) = Self::create(folder, 0)?;
        let segment = Self { folder: folder.to_owned(), file, path, number, bytes: 0, bounds };
        segment.make_room();
        Ok(segment)
    }

    /// A file that nobody else writes to: its name has the time, or what comes after the last one, and this process.
    fn create(folder: &Path, last: u128) -> io::Result<(File, PathBuf, u128)> {
        let mut number = millis(SystemTime::now()).max(last + 1);
        loop {
            let path = folder.join(format!("{number:014}-{}{SUFFIX}", std::process::id()));
            let mut options = OpenOptions::new();
            options.append(true).create_new(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt as _;
                // What functions record is for whoever runs them.
                options.mode(0o600);
            }
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                other => return other.map(|file| (file, path, number)),
            }
        }
    }

    fn write_all(mut self, tell: &Receiver<Told>, dropped: &AtomicU64) {
        while let Ok(told) = tell.recv() {
            match told {
                Told::Line(line) => self.write(&line),
                // Whoever waits may have gone.
                Told::Flush(done) => drop(done.send(())),
            }
            let lost = dropped.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let (now, text) =
                    (millis(SystemTime::now()), "records came faster than the disk takes them");
                self.write(&format!(
                    r#"{{"timestamp":{now},"level":"warn","source":"worker","component":"records","action":"dropped","success":false,"error":"{text}","metadata":{{"count":{lost}}}}}"#
                ));
            }
        }
    }

    /// One write a line: a process that is killed leaves whole lines, or the beginning of one.
    fn write(&mut self, line: &str) {
        let part = (self.bounds.bytes / PARTS).max(LEAST);
        if self.bytes > 0 && self.bytes + line.len() as u64 > part {
            // Where no other file can be made, this one grows.
            if let Ok((file, path, number)) = Self::create(&self.folder, self.number) {
                (self.file, self.path, self.number, self.bytes) = (file, path, number, 0);
                self.make_room();
            }
        }
        let mut whole = String::with_capacity(line.len() + 1);
        whole.push_str(line);
        whole.push('\n');
        if self.file.write_all(whole.as_bytes()).is_ok() {
            self.bytes += whole.len() as u64;
        }
    }

    /// Removes the oldest files while there is too much, and those that are too old.
    fn make_room(&self) {
        let Ok(all) = segments(&self.folder) else { return };
        let part = (self.bounds.bytes / PARTS).max(LEAST);
        // With room for the one that is written now.
        let mut all_bytes: u64 = all.iter().map(|segment| segment.bytes).sum::<u64>() + part;
        let now = SystemTime::now();
        for held in all.into_iter().filter(|held| held.path != self.path) {
            let age = now.duration_since(held.written).unwrap_or_default();
            if all_bytes <= self.bounds.bytes && age <= self.bounds.age {
                continue;
            }
            // Another process may have removed it.
            drop(fs::remove_file(&held.path));
            all_bytes = all_bytes.saturating_sub(held.bytes);
        }
    }
}

/// A file of the folder.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// When it was written to last.
    pub(super) written: SystemTime,
}

/// The files of a folder, the oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<Held>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX)) {
            continue;
        }
        // It may be gone by now.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        all.push(Held { path, bytes: metadata.len(), written });
    }
    all.sort_by(|one, other| one.path.file_name().cmp(&other.path.file_name()));
    Ok(all)
}

pub(super) fn millis(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path, bytes: u64) -> RecordArgs {
        RecordArgs {
            records: folder.to_owned(),
            records_limit: bytes,
            records_age: Duration::from_hours(1),
        }
    }

    #[test]
    fn the_folder_has_its_bound_and_the_newest_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let bound = 64 << 10;
        let writer = Writer::open(&args(folder.path(), bound)).expect("begun");
        for n in 0..4_000 {
            writer.line(format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(50)));
            if n % 100 == 0 {
                writer.flush(Duration::from_secs(10));
            }
        }
        writer.flush(Duration::from_secs(10));
        let all = segments(folder.path()).expect("a list");
        let bytes: u64 = all.iter().map(|held| held.bytes).sum();
        assert!(bytes <= bound && bytes > bound / 2, "{bytes} of {bound}");
        let newest = fs::read_to_string(&all.last().expect("one").path).expect("text");
        assert!(newest.contains("{\"n\":3999,"), "{newest}");
        let oldest = fs::read_to_string(&all[0].path).expect("text");
        assert!(!oldest.contains("{\"n\":0,"), "{oldest}");
    }

    #[test]
    fn what_is_too_old_goes_with_the_next_start_and_what_is_another_process_s_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, other) =
            (folder.path().join("00000000000001-1.jsonl"), folder.path().join("note.txt"));
        fs::write(&old, "{}\n").expect("written");
        fs::write(&other, "mine").expect("written");
        let before = SystemTime::now() - Duration::from_hours(2);
        File::options()
            .write(true)
            .open(&old)
            .and_then(|file| file.set_modified(before))
            .expect("set");
        let young = folder.path().join("00000000000002-1.jsonl");
        fs::write(&young, "{}\n").expect("written");
        let _writer = Writer::open(&args(folder.path(), 1 << 20)).expect("begun");
        assert_eq!((old.exists(), young.exists(), other.exists()), (false, true, true));
    }
}
