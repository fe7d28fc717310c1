//! Cron triggers.

use std::time::Duration;

use jiff::Timestamp;
use protocol::cron::CronExpression;
use protocol::event::SCHEDULED;
use serde_json::json;

use super::Machine;
use super::admission::Admission;
use super::intake::Start;
use crate::entropy::Entropy;
use crate::event::Event;

/// One schedule of one function. Nothing of it is stored: it follows from the registration and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    pub(crate) app: String,
    pub(crate) slug: String,
    pub(crate) expression: String,
    /// By how much a run is put off at most.
    jitter: Duration,
    pub(crate) next: Timestamp,
}

impl Machine {
    /// Reads the schedules of all apps anew. One that was there before keeps its next firing: a sync in the very
    /// moment of it must not swallow it.
    pub(super) fn restart_crons(&mut self, now: Timestamp) {
        let before = std::mem::take(&mut self.crons);
        for app in self.apps.values() {
            for function in &app.functions {
                for (expression, jitter, next) in function.schedules(now) {
                    let mut cron = Cron {
                        app: app.registration.name.clone(),
                        slug: function.slug.clone(),
                        expression: expression.to_owned(),
                        jitter,
                        next,
                    };
                    let same = |old: &&Cron| Cron { jitter, next, ..(*old).clone() } == cron;
                    if let Some(old) = before.iter().find(same) {
                        cron.next = old.next.min(next);
                    }
                    self.crons.push(cron);
                }
            }
        }
    }

    /// Starts what is scheduled for now; once, however often it was missed.
    pub(super) fn fire_crons(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        let mut due = Vec::new();
        self.crons.retain_mut(|cron| {
            if cron.next > now {
                return true;
            }
            due.push(cron.clone());
            let parsed = CronExpression::parse(&cron.expression).ok();
            let next = parsed.and_then(|parsed| parsed.next_after(now));
            cron.next = next.unwrap_or(cron.next);
            next.is_some()
        });
        for cron in due {
            let data = json!({"cron": cron.expression});
            let event = Event::made(entropy.ulid(now).into(), SCHEDULED, &data, None, now);
            let id = event.id;
            self.record_event(event, now);
            // A clock that was set back does not fire the same moment twice.
            let identity = format!("{}/{}/{}/{}", cron.app, cron.slug, cron.expression, cron.next);
            if self.is_first(identity, now) {
                let due = (!cron.jitter.is_zero()).then(|| put_off(now, cron.jitter, entropy));
                let start = Start {
                    cron: Some(cron.expression),
                    due,
                    ..Start::of(cron.app, cron.slug, vec![id])
                };
                self.admit(start, Admission::ALL, now, entropy);
            }
        }
    }
}

/// A moment within `most` from now.
fn put_off(now: Timestamp, most: Duration, entropy: &mut dyn Entropy) -> Timestamp {
    let millis = entropy.bits() % most.as_millis().max(1);
    let pause = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    now.checked_add(pause).unwrap_or(now)
}
