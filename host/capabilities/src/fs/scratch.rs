//! The folder of each run: made when it is first asked for, and removed with the run.
//!
//! Several workers of one machine may have the same base. Who works in a folder holds a shared lock on it, so that no other
//! worker's start takes it for abandoned; and whichever worker hears of the end of a run removes its folder.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Permissions, PermissionsExt};
use protocol::id::RunId;

use super::space::Space;

/// The folders of all runs, each beneath one base and named by its run.
#[derive(Debug)]
pub(crate) struct Scratch {
    base: PathBuf,
    /// The runs that have a folder, with the handle that calls of the run share while there are any.
    runs: Mutex<BTreeMap<RunId, Weak<Space>>>,
    /// How long nobody has used a folder that is taken for abandoned.
    keep: Duration,
    /// When abandoned folders were last looked for.
    swept: Mutex<SystemTime>,
}

/// How often abandoned folders are looked for, at most: when a run asks for its folder.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

impl Scratch {
    /// Folders beneath this one, which is made when it is needed. Removes the folders of runs that nobody has heard of for
    /// longer than `keep`: those that were cancelled, or ended while no worker was there.
    pub(crate) fn start(base: PathBuf, keep: Duration, now: SystemTime) -> io::Result<Self> {
        let scratch = Self { base, runs: Mutex::default(), keep, swept: Mutex::new(now) };
        scratch.sweep(now)?;
        Ok(scratch)
    }

    /// Looks at all folders there are, and removes those that are abandoned.
    fn sweep(&self, now: SystemTime) -> io::Result<()> {
        let found = match Dir::open_ambient_dir(&self.base, ambient_authority()) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in found.entries()? {
            let entry = entry?;
            let Some(run) = run_of(&entry.file_name().to_string_lossy()) else { continue };
            let touched = match entry.metadata().and_then(|metadata| metadata.modified()) {
                Ok(touched) => touched.into_std(),
                // Another worker was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if is_stale(run, touched, self.keep, now) && sweep(&found, run, self.keep, now) {
                self.runs().remove(&run);
            } else {
                self.runs().entry(run).or_default();
            }
        }
        Ok(())
    }

    /// The same from time to time: a run that was cancelled tells nobody.
    fn sweep_when_due(&self, now: SystemTime) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*swept).is_ok_and(|since| since >= SWEEP_EVERY) {
            *swept = now;
            drop(swept);
            if let Err(error) = self.sweep(now) {
                tracing::warn!(%error, "old scratch folders stay behind");
            }
        }
    }

    /// The folder of a run, made if it has none. Blocks.
    pub(crate) fn open(&self, run: RunId, now: SystemTime) -> io::Result<Arc<Space>> {
        self.sweep_when_due(now);
        let mut runs = self.runs();
        if let Some(space) = runs.get(&run).and_then(Weak::upgrade) {
            return Ok(space);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.base)?;
        let base = Dir::open_ambient_dir(&self.base, ambient_authority())?;
        let name = run.to_string();
        match base.create_dir(&name) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let dir = base.open_dir(&name)?;
        let claim = dir.open(".")?.into_std();
        // On a file system without locks, only the time says that somebody uses it.
        if let Err(TryLockError::WouldBlock) = claim.try_lock_shared() {
            return Err(io::Error::other("another worker is removing the old one"));
        }
        // It was old, and another worker removed it before it was claimed.
        base.symlink_metadata(&name)?;
        // Who still uses it is no longer old.
        claim.set_modified(now)?;
        let space = Arc::new(Space::claimed(dir, claim));
        runs.insert(run, Arc::downgrade(&space));
        Ok(space)
    }

    /// Whether the run has a folder, made by this worker or by another one; it is forgotten with the question, and
    /// [`Scratch::remove`] is to follow.
    pub(crate) fn forget(&self, run: RunId) -> bool {
        let known = self.runs().remove(&run).is_some();
        known || self.base.join(run.to_string()).symlink_metadata().is_ok()
    }

    /// Removes the folder of a run. Blocks.
    pub(crate) fn remove(&self, run: RunId) {
        match Dir::open_ambient_dir(&self.base, ambient_authority()) {
            Ok(base) => remove(&base, run),
            Err(error) => tracing::warn!(%run, %error, "a run's scratch folder stays behind"),
        }
    }

    /// Where the folders are.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Weak<Space>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The run whose folder has this name.
fn run_of(name: &str) -> Option<RunId> {
    name.parse().ok().filter(|run: &RunId| run.to_string() == name)
}

/// Whether a run began so long ago, and its folder was last used so long ago, that it is over.
fn is_stale(run: RunId, touched: SystemTime, keep: Duration, now: SystemTime) -> bool {
    let began = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(run.unix_millis()));
    let last = began.map_or(touched, |began| began.max(touched));
    now.duration_since(last).is_ok_and(|age| age > keep)
}

/// Removes a folder that seemed old, unless somebody works in it or has done so meanwhile. Whether it is gone.
fn sweep(base: &Dir, run: RunId, keep: Duration, now: SystemTime) -> bool {
    let claim = || {
        let folder = base.open_dir(run.to_string())?.open(".")?.into_std();
        let touched = folder.metadata()?.modified()?;
        io::Result::Ok((folder, touched))
    };
    let Ok((folder, _)) = claim() else { return false };
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        return false;
    }
    let old = claim().is_ok_and(|(_, touched)| is_stale(run, touched, keep, now));
    if old {
        remove(base, run);
    }
    old
}

fn remove(base: &Dir, run: RunId) {
    let name = run.to_string();
    let removed =
        base.open_dir(&name).and_then(|dir| clear(&dir)).and_then(|()| base.remove_dir(&name));
    match removed {
        Ok(()) => tracing::debug!(%run, "removed a run's scratch folder"),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%run, %error, "a run's scratch folder stays behind"),
    }
}

/// Removes everything beneath a folder, with two handles and no recursion however deep it is: what is in a folder is moved
/// up before the folder goes.
fn clear(top: &Dir) -> io::Result<()> {
    let mut moved = 0_u64;
    loop {
        let mut empty = true;
        for entry in top.entries()? {
            let entry = entry?;
            empty = false;
            let name = entry.file_name();
            if !entry.file_type()?.is_dir() {
                top.remove_file(&name)?;
                continue;
            }
            // A program may have taken away our own right to look into it.
            top.set_permissions(&name, Permissions::from_mode(0o700))?;
            let folder = top.open_dir(&name)?;
            for entry in folder.entries()? {
                let entry = entry?;
                let inner = entry.file_name();
                if entry.file_type()?.is_dir() {
                    folder.set_permissions(&inner, Permissions::from_mode(0o700))?;
                    lift(&folder, &inner, top, &mut moved)?;
                } else {
                    folder.remove_file(&inner)?;
                }
            }
            top.remove_dir(&name)?;
        }
        if empty {
            return Ok(());
        }
    }
}

/// Moves a folder up, under a name that nothing has.
fn lift(folder: &Dir, name: impl AsRef<Path>, top: &Dir, moved: &mut u64) -> io::Result<()> {
    loop {
        *moved += 1;
        match folder.rename(&name, top, format!("moved-{moved}")) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::AlreadyExists
                        | ErrorKind::DirectoryNotEmpty
                        | ErrorKind::NotADirectory
                ) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

    fn run() -> RunId {
        RUN.parse().expect("a run")
    }

    fn began() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(run().unix_millis())
    }

    #[test]
    fn a_folder_is_old_when_its_run_and_its_use_are() {
        let hour = Duration::from_hours(1);
        let table = [
            (began(), began(), false),
            (began(), began() + hour, false),
            (began(), began() + hour * 2, true),
            (began() + hour, began() + hour * 2, false),
            (SystemTime::UNIX_EPOCH, began() + hour, false),
            // A clock that went back.
            (began() + hour * 9, began(), false),
        ];
        for (touched, now, stale) in table {
            assert_eq!(is_stale(run(), touched, hour, now), stale, "{touched:?} {now:?}");
        }
        assert!(run_of(RUN).is_some());
        for other in ["", "notes", "01m81gxw71cev7jqt6t4t8nakz"] {
            assert!(run_of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_start_removes_what_is_old_and_nothing_else() {
        let base = tempfile::tempdir().expect("a folder");
        let hour = Duration::from_hours(1);
        let start = |now| Scratch::start(base.path().to_owned(), hour, now).expect("started");
        start(began()).open(run(), SystemTime::now()).expect("a folder");
        fs::write(base.path().join(RUN).join("a"), "x").expect("written");
        fs::create_dir(base.path().join("somebody-elses")).expect("made");
        let touched =
            fs::metadata(base.path().join(RUN)).expect("there").modified().expect("a time");
        let kept = start(touched + hour);
        assert!(base.path().join(RUN).exists());
        assert!(kept.forget(run()), "a folder of an earlier worker is known");
        let later = start(touched.max(began()) + hour * 2);
        assert!(!base.path().join(RUN).exists());
        assert!(!later.forget(run()));
        assert!(base.path().join("somebody-elses").exists());
    }

    #[test]
    fn another_worker_leaves_the_folders_that_somebody_works_in() {
        let base = tempfile::tempdir().expect("a folder");
        let hour = Duration::from_hours(1);
        let start = |now| Scratch::start(base.path().to_owned(), hour, now).expect("started");
        let first = start(began());
        let space = first.open(run(), SystemTime::now()).expect("a folder");
        space.dir().write("a", "x").expect("written");
        // A step that runs for longer than folders are kept.
        let folder = fs::File::open(base.path().join(RUN)).expect("there");
        let age = || folder.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        age();
        let second = start(began() + hour * 9);
        assert_eq!(space.dir().read_to_string("a").expect("still there"), "x");
        // Both may work in it, and the first one that leaves does not give it away.
        let other = second.open(run(), SystemTime::now()).expect("the same folder");
        assert_eq!(other.dir().read_to_string("a").expect("the same"), "x");
        drop(space);
        age();
        start(began() + hour * 9);
        assert!(base.path().join(RUN).exists());
        drop(other);
        start(began() + hour * 9);
        assert!(!base.path().join(RUN).exists(), "nobody works in it");
    }

    #[test]
    fn whichever_worker_hears_of_the_end_removes_the_folder() {
        let base = tempfile::tempdir().expect("a folder");
        let start =
            || Scratch::start(base.path().to_owned(), Duration::MAX, began()).expect("started");
        let (first, second) = (start(), start());
        assert!(!second.forget(run()), "there is none yet");
        drop(first.open(run(), SystemTime::now()).expect("a folder"));
        assert!(second.forget(run()), "made by the other one");
        second.remove(run());
        assert!(!base.path().join(RUN).exists());
        first
            .open(run(), SystemTime::now())
            .expect("a new one, where the server calls again after all");
    }

    #[test]
    fn a_run_s_folder_goes_however_deep_and_closed_it_is() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("kept"), "x").expect("written");
        let base = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::start(base.path().to_owned(), Duration::MAX, began());
        let scratch = scratch.expect("started");
        let space = scratch.open(run(), SystemTime::now()).expect("a folder");
        // Deeper than a path can say, and deeper than a process may have handles.
        let mut at = space.dir().try_clone().expect("a handle");
        for _ in 0..3_000 {
            at.create_dir("moved-1").expect("made");
            at.write("moved-2", "x").expect("written");
            at = at.open_dir("moved-1").expect("opened");
        }
        symlink(outside.path(), base.path().join(RUN).join("elsewhere")).expect("linked");
        at.create_dir("closed").expect("made");
        at.write("closed/a", "x").expect("written");
        at.set_permissions("closed", Permissions::from_mode(0)).expect("closed");
        assert!(scratch.forget(run()));
        scratch.remove(run());
        assert!(!base.path().join(RUN).exists());
        assert!(outside.path().join("kept").exists());
        assert!(!scratch.forget(run()), "it is forgotten");
        scratch
            .open(run(), SystemTime::now())
            .expect("a new one")
            .dir()
            .read_dir(".")
            .expect("empty");
    }

    #[test]
    fn a_folder_that_is_used_again_is_no_longer_old() {
        let base = tempfile::tempdir().expect("a folder");
        let start = || Scratch::start(base.path().to_owned(), Duration::MAX, began()).expect("on");
        start().open(run(), SystemTime::now()).expect("a folder");
        let folder = base.path().join(RUN);
        let file = fs::File::open(&folder).expect("there");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        start().open(run(), SystemTime::now()).expect("the same");
        let touched = fs::metadata(&folder).expect("there").modified().expect("a time");
        assert_ne!(touched, SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn the_calls_of_a_run_share_one_folder() {
        let base = tempfile::tempdir().expect("a folder");
        let base = base.path().join("made/when/needed");
        let scratch = Scratch::start(base.clone(), Duration::MAX, began()).expect("started");
        assert!(!base.exists());
        let one = scratch.open(run(), SystemTime::now()).expect("a folder");
        assert!(Arc::ptr_eq(&one, &scratch.open(run(), SystemTime::now()).expect("the same")));
        let mode = fs::metadata(&base).expect("there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
    }

    #[test]
    fn what_was_abandoned_goes_while_the_worker_runs() {
        let base = tempfile::tempdir().expect("a folder");
        let keep = Duration::from_hours(24);
        let now = SystemTime::now();
        let scratch = Scratch::start(base.path().to_owned(), keep, now).expect("started");
        let at = |hours| now + Duration::from_hours(hours);
        drop(scratch.open(run(), now).expect("a folder"));
        let [used, other] =
            ['X', 'Y'].map(|last| format!("{}{last}", &RUN[..25]).parse().expect("a run"));
        let kept = scratch.open(used, now).expect("a folder");
        for hours in [1, 23] {
            scratch.open(other, at(hours)).expect("a folder");
            assert!(base.path().join(RUN).exists(), "after {hours} h");
        }
        scratch.open(other, at(25)).expect("a folder");
        assert!(!base.path().join(RUN).exists());
        assert!(base.path().join(used.to_string()).exists(), "somebody works in it");
        drop(kept);
    }
}
