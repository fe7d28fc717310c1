//! The task that empties the spool: in order, in batches, with longer and longer pauses while the server takes nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::send::{Said, Sender};
use crate::spool::{Spool, SpoolError, Waiting};

/// The most events of one request, and about the most bytes.
const TOGETHER: usize = 500;
const BYTES: usize = 1 << 20;
/// The first pause, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// Whether the server takes what is in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draining {
    /// It did, when it was last asked.
    Well,
    /// It does not, and why.
    Held(String),
}

/// What empties the spool.
pub(crate) struct Drain {
    pub(crate) spool: Arc<Spool>,
    pub(crate) sender: Sender,
    pub(crate) counters: Arc<Counters>,
    pub(crate) state: watch::Sender<Draining>,
}

impl Drain {
    /// Empties the spool until it is told to stop. What is left then is there at the next start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.forever()).await;
    }

    async fn forever(&self) {
        let mut pause = PAUSE;
        let mut most = TOGETHER;
        loop {
            let why = match self.turn(&mut most).await {
                Ok(Turn::Empty) => {
                    self.well();
                    // A look now and then, in case that something was missed.
                    drop(tokio::time::timeout(LONGEST, self.spool.news()).await);
                    continue;
                }
                Ok(Turn::Done) => {
                    self.well();
                    pause = PAUSE;
                    continue;
                }
                Ok(Turn::Held(why)) => why,
                Err(error) => error.to_string(),
            };
            self.held(&why);
            tokio::time::sleep(pause.mul_f64(0.5 + chance() / 2.0)).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn well(&self) {
        let changed = self.state.send_if_modified(|state| {
            let changed = *state != Draining::Well;
            *state = Draining::Well;
            changed
        });
        if changed {
            tracing::info!("the server takes events again");
        }
    }

    fn held(&self, why: &str) {
        let (entries, bytes) = self.spool.waiting();
        let now = Draining::Held(why.to_owned());
        let changed = self.state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
        if changed {
            tracing::warn!(
                entries,
                bytes,
                "the server takes no events, which wait in the spool: {why}"
            );
        }
    }

    /// Sends what waits longest, as far as the server takes it, and then forgets that at once: an entry that is sent again
    /// after a crash has the same id at the server.
    async fn turn(&self, most: &mut usize) -> Result<Turn, SpoolError> {
        let waiting = self.spool.first(TOGETHER, BYTES).await?;
        let Some(first) = waiting.first() else { return Ok(Turn::Empty) };
        let mut rest = &waiting[..];
        let held = self.send_all(&mut rest, most).await;
        let sent = waiting.len() - rest.len();
        if let Some(last) = waiting[..sent].last() {
            self.spool.remove(first.number, last.number).await?;
        }
        Ok(held?.map_or(Turn::Done, Turn::Held))
    }

    /// Sends the rest, which becomes what is still left; why nothing more is taken, if so.
    async fn send_all(
        &self,
        rest: &mut &[Waiting],
        most: &mut usize,
    ) -> Result<Option<String>, SpoolError> {
        while let Some(first) = rest.first() {
            if self.too_old(first) {
                self.bury(first, "it waited too long for the server").await?;
                *rest = &rest[1..];
                continue;
            }
            let batch = together(&rest[..rest.len().min(*most)]);
            match self.sender.send(self.spool.seed(), batch).await {
                Said::Accepted(ids) => {
                    self.told(batch, &ids);
                    *most = (*most * 2).min(TOGETHER);
                    *rest = &rest[batch.len()..];
                }
                Said::Poison { accepted, why } => {
                    self.told(&batch[..accepted], &[]);
                    self.bury(&batch[accepted], &why).await?;
                    *rest = &rest[accepted + 1..];
                }
                Said::TooLarge(why) if batch.len() == 1 => {
                    self.bury(first, &why).await?;
                    *rest = &rest[1..];
                }
                Said::TooLarge(_) => *most = (batch.len() / 2).max(1),
                Said::Later(why) | Said::NotUs(why) => return Ok(Some(why)),
            }
        }
        Ok(None)
    }

    fn too_old(&self, waiting: &Waiting) -> bool {
        let age = Timestamp::now().as_millisecond() - waiting.entry.at;
        u128::try_from(age).is_ok_and(|age| age > self.spool.age().as_millis())
    }

    async fn bury(&self, waiting: &Waiting, why: &str) -> Result<(), SpoolError> {
        self.spool.bury(waiting, why).await?;
        let (provider, id) = (&waiting.entry.provider, &waiting.entry.id);
        self.counters.dead(provider);
        tracing::error!(%provider, %id, "an event cannot be sent and is a dead letter now, see `system-bus webhooks dead`: {why}");
        Ok(())
    }

    /// The end of the way of each delivery: how long it took, and under which id the server has it.
    fn told(&self, batch: &[Waiting], ids: &[String]) {
        let now = Timestamp::now().as_millisecond();
        for (at, waiting) in batch.iter().enumerate() {
            let entry = &waiting.entry;
            let took = u64::try_from(now - entry.at).unwrap_or(0);
            self.counters.forwarded(&entry.provider, Duration::from_millis(took));
            let event = ids.get(at).map(String::as_str);
            tracing::debug!(provider = %entry.provider, id = %entry.id, trace = %entry.trace, event, took_ms = took, replay = entry.replay, "the server has the event");
        }
    }
}

enum Turn {
    Empty,
    Done,
    Held(String),
}

/// The first entries whose ids at the server follow from each other's.
fn together(waiting: &[Waiting]) -> &[Waiting] {
    let follows = |pair: &[Waiting]| {
        pair[0].moment() == pair[1].moment() && pair[0].number + 1 == pair[1].number
    };
    let length = waiting.windows(2).take_while(|pair| follows(pair)).count();
    &waiting[..(length + 1).min(waiting.len())]
}

/// Anything from 0 to 1, so that not all gateways ask at once.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}
