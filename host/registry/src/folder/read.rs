//! Reading a folder and its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stamp::Stamp;

/// The components of a folder by name.
pub(super) fn list(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = super::name::of(&path) {
            files.insert(name, path);
        }
    }
    Ok(files)
}

/// Whether a file lacks its end.
pub(super) fn is_truncated(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    super::sections::truncated(size, |at, into| file.read_at(into, at))
}

/// The bytes of a file that has this stamp before and after. `None` when it has another one.
pub(super) fn stamped(path: &Path, stamp: &Stamp, largest: u64) -> io::Result<Option<Arc<[u8]>>> {
    let file = File::open(path)?;
    if !stamp.is_of(&file.metadata()?) {
        return Ok(None);
    }
    let bytes = bounded(&file, largest)?;
    let same = stamp.is_of(&file.metadata()?) && bytes.len() as u64 == stamp.size();
    Ok(same.then(|| bytes.into()))
}

/// The bytes of a file, whatever its stamp.
pub(super) fn any(path: &Path, largest: u64) -> io::Result<Arc<[u8]>> {
    Ok(bounded(&File::open(path)?, largest)?.into())
}

/// Reads a file, which may grow meanwhile, up to a byte more than the largest size.
fn bounded(file: &File, largest: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().min(largest);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(largest + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Does a piece of work for each item on as many threads as there are processors, and hands the results on in order.
/// Hashing a folder of many components is most of a start.
pub(super) fn in_parallel<I: Sync, O: Send>(
    items: Vec<I>,
    work: impl Fn(&I) -> O + Sync,
    mut done: impl FnMut(I, O),
) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut items = items.into_iter();
    loop {
        // A batch at a time, so that only so many files are in memory.
        let batch: Vec<I> = items.by_ref().take(threads).collect();
        let results: Vec<O> = match batch.as_slice() {
            [] => return,
            [one] => vec![work(one)],
            several => std::thread::scope(|scope| {
                let work = &work;
                let started = several.iter().map(|item| scope.spawn(move || work(item)));
                let started = started.collect::<Vec<_>>().into_iter();
                let joined = started.map(|thread| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                });
                joined.collect()
            }),
        };
        for (item, result) in batch.into_iter().zip(results) {
            done(item, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_gets_its_own_result_in_order() {
        for count in [0, 1, 2, 3, 100] {
            let mut results = Vec::new();
            let done = |item: usize, result: usize| results.push((item, result));
            in_parallel((0..count).collect(), |item| item * 10, done);
            let expected: Vec<_> = (0..count).map(|item| (item, item * 10)).collect();
            assert_eq!(results, expected);
        }
    }
}
