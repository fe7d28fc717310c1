//! The spool: what was accepted and the server does not have yet, on disk.
//!
//! A delivery is answered with success when it is in here and would outlive the machine. One thread writes: all that came
//! while it was writing goes into the next write together, so many deliveries share one wait for the disk. What was
//! accepted lately is known by its id, so that a sender's repeat does nothing.

mod dead;
mod entry;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

pub use self::dead::{Dead, Letter};
pub use self::entry::{Entry, Waiting};
use self::store::Store;

/// How many deliveries wait to be written before more are refused.
const QUEUE: usize = 4096;
/// How many are written together.
const TOGETHER: usize = 1024;

/// Where it is, and how much it holds.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// The folder: `spool.redb`, and `dead/` for what cannot be sent.
    pub folder: PathBuf,
    /// The most bytes of events that wait.
    pub bytes: u64,
    /// What waited longer is put to the dead letters.
    pub age: Duration,
    /// How long the id of a delivery is known.
    pub remembered: Duration,
    /// How many ids are known at most; the oldest are forgotten first.
    pub ids: u64,
}

impl SpoolOptions {
    /// In this folder, with the usual bounds: 256 MiB, three days, and ids for a day, up to a million.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            bytes: 256 << 20,
            age: Duration::from_hours(72),
            remembered: Duration::from_hours(24),
            ids: 1_000_000,
        }
    }
}

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It cannot be opened.
    #[error("the spool {path} cannot be opened: {reason}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system or the database says.
        reason: String,
    },
    /// There is no room.
    #[error("the spool holds {0} bytes, and takes no more until the server has taken some")]
    Full(u64),
    /// The disk failed.
    #[error("the spool cannot be written: {0}")]
    Write(String),
    /// The writer has ended.
    #[error("the spool is closed")]
    Closed,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All of its events are on disk.
    New,
    /// They were accepted before.
    Repeat,
}

enum Command {
    Put { entries: Vec<Entry>, again: bool, tell: oneshot::Sender<Result<Kept, SpoolError>> },
    Remove { from: u64, to: u64, tell: oneshot::Sender<Result<(), SpoolError>> },
}

/// The spool. What writes it ends with it.
pub struct Spool {
    commands: mpsc::Sender<Command>,
    store: Arc<Store>,
    dead: Dead,
    options: SpoolOptions,
    /// Bytes that are not counted as waiting yet.
    coming: AtomicU64,
    /// How many bytes were held when something was last refused for want of room; 0 where nothing was.
    refused_at: AtomicU64,
    /// Rings when something was put in.
    news: Arc<Notify>,
    writer: Option<JoinHandle<()>>,
}

/// Bytes on their way to the disk; gone when this is dropped.
struct Coming<'s> {
    counter: &'s AtomicU64,
    own: u64,
    /// With those of everybody else.
    all: u64,
}

impl<'s> Coming<'s> {
    fn add(counter: &'s AtomicU64, own: u64) -> Self {
        let all = counter.fetch_add(own, Ordering::Relaxed) + own;
        Self { counter, own, all }
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// How full the spool is.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) entries: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Spool {
    /// Opens the spool, or makes it. Blocks.
    pub fn open(options: SpoolOptions) -> Result<Arc<Self>, SpoolError> {
        let store = Arc::new(Store::open(&options)?);
        let dead = Dead::open(&options.folder)?;
        let news = Arc::new(Notify::new());
        let (commands, work) = mpsc::channel(QUEUE);
        let (kept, ring) = (Arc::clone(&store), Arc::clone(&news));
        let writer = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || write(&kept, work, &ring))
            .map_err(|reason| SpoolError::Open {
                path: options.folder.clone(),
                reason: reason.to_string(),
            })?;
        let coming = AtomicU64::new(0);
        let (writer, refused_at) = (Some(writer), AtomicU64::new(0));
        Ok(Arc::new(Self { commands, store, dead, options, coming, refused_at, news, writer }))
    }

    /// Keeps the events of one delivery, all or none. When it returns, they are on disk.
    ///
    /// `again` puts them in although they were accepted before.
    pub async fn put(&self, entries: Vec<Entry>, again: bool) -> Result<Kept, SpoolError> {
        let held = self.store.level.bytes.load(Ordering::Relaxed);
        let more: u64 = entries.iter().map(Entry::size).sum();
        // What is on its way to the disk counts too, or many at once would go beyond the bound.
        let coming = Coming::add(&self.coming, more);
        if held + coming.all > self.options.bytes {
            self.refused_at.store(held.max(1), Ordering::Relaxed);
            return Err(SpoolError::Full(held));
        }
        let (tell, told) = oneshot::channel();
        let command = Command::Put { entries, again, tell };
        self.commands.send(command).await.map_err(|_| SpoolError::Closed)?;
        told.await.map_err(|_| SpoolError::Closed)?
    }

    /// What waits longest, in the order it came: at most so many, and about so many bytes.
    pub async fn first(&self, most: usize, bytes: usize) -> Result<Vec<Waiting>, SpoolError> {
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || store.first(most, bytes));
        read.await.map_err(|_| SpoolError::Closed)?
    }

    /// Forgets what the server has: from one number to another, both included.
    pub async fn remove(&self, from: u64, to: u64) -> Result<(), SpoolError> {
        let (tell, told) = oneshot::channel();
        let command = Command::Remove { from, to, tell };
        self.commands.send(command).await.map_err(|_| SpoolError::Closed)?;
        told.await.map_err(|_| SpoolError::Closed)?
    }

    /// Puts what cannot be sent to the dead letters. It is there before it is gone here.
    pub async fn bury(&self, waiting: &Waiting, why: &str) -> Result<(), SpoolError> {
        let (dead, letter) = (self.dead.clone(), Letter::of(waiting, why));
        let written = tokio::task::spawn_blocking(move || dead.write(&letter));
        written.await.map_err(|_| SpoolError::Closed)??;
        self.remove(waiting.number, waiting.number).await
    }

    /// The letters that could not be sent.
    pub fn dead(&self) -> &Dead {
        &self.dead
    }

    /// How many events wait, and how many bytes they have.
    pub fn waiting(&self) -> (u64, u64) {
        let level = &self.store.level;
        (level.entries.load(Ordering::Relaxed), level.bytes.load(Ordering::Relaxed))
    }

    /// Whether something was refused for want of room, and nothing has left since.
    pub fn is_full(&self) -> bool {
        let refused_at = self.refused_at.load(Ordering::Relaxed);
        refused_at > 0 && self.waiting().1 >= refused_at
    }

    /// How long something may wait.
    pub(crate) fn age(&self) -> Duration {
        self.options.age
    }

    /// What the ids of this spool's events at the server begin with.
    pub(crate) fn seed(&self) -> [u8; 6] {
        self.store.seed
    }

    /// Returns when something was put in.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // The writer ends when there is nobody left to send it anything.
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.commands, closed));
        if let Some(writer) = self.writer.take() {
            // A panic in it was reported when it happened.
            drop(writer.join());
        }
    }
}

/// Writes until nobody is left to tell it to.
fn write(store: &Store, mut work: mpsc::Receiver<Command>, news: &Notify) {
    let mut batch = Vec::new();
    while let Some(first) = work.blocking_recv() {
        batch.push(first);
        while batch.len() < TOGETHER
            && let Ok(next) = work.try_recv()
        {
            batch.push(next);
        }
        let changes = batch.iter().map(|command| match command {
            Command::Put { entries, again, .. } => store::Change::Put { entries, again: *again },
            Command::Remove { from, to, .. } => store::Change::Remove { from: *from, to: *to },
        });
        let changes: Vec<_> = changes.collect();
        let done = store.commit(&changes);
        drop(changes);
        let mut any = false;
        let mut kept = done.as_ref().map(|kept| kept.iter()).map_err(ToString::to_string);
        for command in batch.drain(..) {
            // Who waited may have gone; what is written stays.
            match (command, &mut kept) {
                (Command::Put { tell, .. }, Ok(kept)) => {
                    any = true;
                    let kept = kept.next().copied().ok_or(SpoolError::Closed);
                    drop(tell.send(kept));
                }
                (Command::Remove { tell, .. }, Ok(_)) => drop(tell.send(Ok(()))),
                (Command::Put { tell, .. }, Err(why)) => {
                    drop(tell.send(Err(SpoolError::Write(why.clone()))));
                }
                (Command::Remove { tell, .. }, Err(why)) => {
                    drop(tell.send(Err(SpoolError::Write(why.clone()))));
                }
            }
        }
        if any {
            news.notify_one();
        }
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("folder", &self.options.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
