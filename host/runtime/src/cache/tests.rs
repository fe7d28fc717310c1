//! Real files, in real states that they get into.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

use protocol::digest::Digest;
use tempfile::TempDir;
use wasmtime::{Config, Engine};

use super::*;
use crate::compile::Fingerprint;

/// The smallest component there is.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

const ROOMY: u64 = 1 << 30;

struct Place {
    folder: TempDir,
    engine: Engine,
    key: Key,
}

impl Place {
    fn new() -> Self {
        let engine = Engine::default();
        let key = Key { digest: Digest::of(EMPTY), engine: Fingerprint::of(&engine) };
        Self { folder: tempfile::tempdir().expect("a folder"), engine, key }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn open(&self) -> Cache {
        Cache::open(&self.path(), ROOMY).expect("a cache")
    }

    fn code(&self) -> Vec<u8> {
        self.engine.precompile_component(EMPTY).expect("a component")
    }

    /// A cache that holds the code of the key.
    fn filled(&self) -> Cache {
        let cache = self.open();
        cache.store(self.key, &self.code(), SystemTime::now()).expect("stored");
        cache
    }

    fn entry(&self) -> PathBuf {
        self.path().join(self.key.to_string())
    }

    /// Whether the code is found, and works.
    fn found(&self, cache: &Cache) -> Result<bool, String> {
        match cache.find(self.key, SystemTime::now()) {
            Ok(None) => Ok(false),
            Ok(Some(code)) => {
                code.map(&self.engine).map(|_| true).map_err(|error| format!("{error:#}"))
            }
            Err(doubt) => Err(doubt.to_string()),
        }
    }

    /// The entry is doubted for this reason, and storing again puts that right.
    fn doubted(&self, cache: &Cache, reason: &str) {
        let doubt = self.found(cache).expect_err(reason);
        assert!(doubt.contains(reason), "{reason}: {doubt}");
        cache.store(self.key, &self.code(), SystemTime::now()).expect("replaced");
        assert_eq!(self.found(cache), Ok(true), "{reason}");
    }
}

fn root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can give files to others");
    }
    root
}

#[test]
fn what_was_stored_is_found_by_this_and_by_other_processes() {
    let place = Place::new();
    assert_eq!(place.found(&place.open()), Ok(false));
    let cache = place.filled();
    assert_eq!(place.found(&cache), Ok(true));
    assert_eq!(place.found(&place.open()), Ok(true));
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!(mode(place.path()), 0o700);
    assert_eq!(mode(place.entry()), 0o600);
    assert_eq!(mode(place.path().join("key")), 0o600);
}

#[test]
fn a_changed_byte_anywhere_in_an_entry_is_a_doubt() {
    let place = Place::new();
    let cache = place.filled();
    let good = fs::read(place.entry()).expect("an entry");
    let code = place.code().len();
    // Every byte behind the code: component, engine, length, mark and keyed hash. In the code, one of each kind of
    // place: its header, every few hundred bytes, its end.
    let places = (code..good.len()).chain((0..code).step_by(251)).chain([1, 16, code - 1]);
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(place.entry(), bad).expect("written");
        let doubt = place.found(&cache).expect_err("doubt");
        let whole = doubt.contains("changed") || doubt.contains("whole");
        assert!(whole, "byte {at}: {doubt}");
    }
    place.doubted(&cache, "changed");
}

#[test]
fn a_truncated_or_extended_entry_is_a_doubt() {
    let place = Place::new();
    let cache = place.filled();
    let good = fs::read(place.entry()).expect("an entry");
    for length in [0, 1, 50, 103, 104, good.len() / 2, good.len() - 1] {
        fs::write(place.entry(), &good[..length]).expect("written");
        place.doubted(&cache, "whole");
    }
    fs::write(place.entry(), [good.as_slice(), b"more"].concat()).expect("written");
    place.doubted(&cache, "whole");
}

#[test]
fn an_entry_of_another_engine_version_is_not_found_by_its_name() {
    let place = Place::new();
    let other = Engine::new(Config::new().consume_fuel(true)).expect("an engine");
    let key = Key { engine: Fingerprint::of(&other), ..place.key };
    let cache = place.open();
    let code = other.precompile_component(EMPTY).expect("a component");
    cache.store(key, &code, SystemTime::now()).expect("stored");
    assert_eq!(place.found(&cache), Ok(false));
}

#[test]
fn an_entry_of_another_engine_version_under_our_name_is_a_doubt() {
    let place = Place::new();
    let other = Engine::new(Config::new().consume_fuel(true)).expect("an engine");
    let key = Key { engine: Fingerprint::of(&other), ..place.key };
    let cache = place.open();
    let code = other.precompile_component(EMPTY).expect("a component");
    cache.store(key, &code, SystemTime::now()).expect("stored");
    fs::rename(cache.path_of(key), place.entry()).expect("renamed");
    place.doubted(&cache, "for the engine");
    // And one whose proof is right, but not what it proves.
    cache.store(place.key, &code, SystemTime::now()).expect("stored");
    place.doubted(&cache, "fuel");
}

#[test]
fn an_entry_of_another_component_under_our_name_is_a_doubt() {
    let place = Place::new();
    let cache = place.open();
    let key = Key { digest: Digest::of(b"another"), ..place.key };
    cache.store(key, &place.code(), SystemTime::now()).expect("stored");
    fs::rename(cache.path_of(key), place.entry()).expect("renamed");
    place.doubted(&cache, "component");
}

#[test]
fn an_entry_that_others_can_reach_or_that_is_no_file_is_a_doubt() {
    let place = Place::new();
    let cache = place.filled();
    for mode in [0o604, 0o620, 0o660] {
        fs::set_permissions(place.entry(), Permissions::from_mode(mode)).expect("set");
        place.doubted(&cache, "others");
    }
    let aside = place.path().join("aside");
    fs::rename(place.entry(), &aside).expect("renamed");
    symlink(&aside, place.entry()).expect("linked");
    place.doubted(&cache, "not a file");
    fs::remove_file(place.entry()).expect("removed");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(place.entry()).status();
    assert!(made.expect("mkfifo").success());
    place.doubted(&cache, "not a file");
    if root() {
        std::os::unix::fs::chown(place.entry(), Some(1), None).expect("given away");
        place.doubted(&cache, "user 1");
    }
}

#[test]
fn a_replaced_key_makes_every_entry_a_doubt() {
    let place = Place::new();
    place.filled();
    let key = place.path().join("key");
    fs::write(&key, [0; 32]).expect("written");
    place.doubted(&place.open(), "another key");
}

#[test]
fn a_key_that_cannot_be_trusted_is_renewed() {
    let place = Place::new();
    let path = place.path().join("key");
    let read = || fs::read(&path).expect("a key");
    place.filled();
    let shared = read();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
    place.doubted(&place.open(), "another key");
    assert_ne!(read(), shared);
    fs::write(&path, b"short").expect("written");
    place.doubted(&place.open(), "another key");
    assert_eq!(read().len(), 32);
    // What is right is left alone.
    let key = read();
    assert_eq!(place.found(&place.open()), Ok(true));
    assert_eq!(read(), key);
}

#[test]
fn processes_that_begin_a_folder_at_once_agree_on_its_key() {
    let place = Place::new();
    let caches: Vec<_> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..8).map(|_| threads.spawn(|| place.open())).collect();
        all.into_iter().map(|thread| thread.join().expect("a cache")).collect()
    });
    caches[0].store(place.key, &place.code(), SystemTime::now()).expect("stored");
    for cache in &caches {
        assert_eq!(place.found(cache), Ok(true));
    }
}

#[test]
fn a_folder_that_belongs_to_somebody_else_is_refused() {
    let place = Place::new();
    place.filled();
    if root() {
        std::os::unix::fs::chown(place.path(), Some(1), None).expect("given away");
        let error = Cache::open(&place.path(), ROOMY).expect_err("it is not ours").to_string();
        assert!(error.contains("user 1") && error.contains("cache"), "{error}");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let place = Place::new();
    place.filled();
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).expect("set");
        let error = Cache::open(&place.path(), ROOMY).expect_err("others write").to_string();
        assert!(error.contains("write") && error.contains(&format!("{mode:o}")), "{error}");
    }
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).expect("set");
    assert_eq!(place.found(&place.open()), Ok(true));
}

#[test]
fn a_folder_that_is_a_symbolic_link_or_a_file_is_refused() {
    let place = Place::new();
    place.filled();
    let link = place.folder.path().join("link");
    symlink(place.path(), &link).expect("linked");
    let with_slash = PathBuf::from(format!("{}/", link.display()));
    let file = place.path().join("key");
    for path in [link, with_slash, file] {
        let error = Cache::open(&path, ROOMY).expect_err("no folder of ours").to_string();
        assert!(error.contains("no folder"), "{error}");
    }
}

#[test]
fn the_least_recently_used_make_room_and_what_was_just_stored_stays() {
    let place = Place::new();
    let code = vec![0; 1_000];
    let key = |name: &[u8]| Key { digest: Digest::of(name), ..place.key };
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let held = |cache: &Cache| {
        let held = cache.held().expect("listed");
        let mut held: Vec<_> = held.into_iter().filter_map(|held| held.name.parse().ok()).collect();
        held.sort_by_key(|key: &Key| key.digest);
        held
    };
    let sorted = |mut keys: Vec<Key>| {
        keys.sort_by_key(|key| key.digest);
        keys
    };
    // Three fit: an entry is its code and a hundred bytes.
    let cache = Cache::open(&place.path(), 3_500).expect("a cache");
    for (time, name) in [(1, b"a"), (2, b"b"), (3, b"c")] {
        cache.store(key(name), &code, at(time)).expect("stored");
    }
    // A use counts, also where the system does not keep times of access.
    cache.find(key(b"a"), at(4)).expect("no doubt").expect("it is there");
    cache.store(key(b"d"), &code, at(5)).expect("stored");
    assert_eq!(held(&cache), sorted(vec![key(b"a"), key(b"c"), key(b"d")]));
    // Nothing else of the folder counts, or goes.
    fs::write(place.path().join("notes"), vec![0; 10_000]).expect("written");
    cache.store(key(b"e"), &vec![0; 5_000], at(6)).expect("stored");
    assert_eq!(held(&cache), vec![key(b"e")]);
    assert!(place.path().join("notes").exists() && place.path().join("key").exists());
}

#[test]
fn what_an_interrupted_process_left_behind_is_removed_and_what_is_being_written_is_not() {
    let place = Place::new();
    place.open();
    let (old, young) = (place.path().join(".new-1-aa"), place.path().join(".new-2-bb"));
    for path in [&old, &young] {
        fs::write(path, b"half").expect("written");
    }
    let file = fs::File::options().write(true).open(&old).expect("open");
    file.set_modified(SystemTime::now() - Duration::from_hours(2)).expect("set");
    place.open();
    assert!(!old.exists() && young.exists());
}

#[test]
fn code_stays_usable_while_its_entry_is_replaced_and_removed() {
    let place = Place::new();
    let cache = place.filled();
    let code = cache.find(place.key, SystemTime::now()).expect("no doubt").expect("it is there");
    fs::write(place.path().join("evil"), b"evil").expect("written");
    fs::rename(place.path().join("evil"), place.entry()).expect("renamed");
    // It is the open file that is mapped, not what has its name now.
    let component = code.map(&place.engine).expect("our code");
    fs::remove_file(place.entry()).expect("removed");
    assert!(component.get_export_index(None, "nothing").is_none());
}
