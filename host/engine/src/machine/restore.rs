//! The machine from its records.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::record::{Record, Table};
use super::{Machine, Settings};
use crate::app::App;
use crate::event::Event;
use crate::function::Fault;
use crate::run::Run;

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the record {key:?} of table {table:?} is damaged: {problem}")]
pub(crate) struct Unreadable {
    table: Table,
    key: String,
    problem: String,
}

impl Machine {
    /// The machine that left these records. Sleeps go on, queued calls are queued, and calls that were under way are
    /// due again with the same attempt. Schedules that should have fired meanwhile did not fire.
    pub(crate) fn restore(
        settings: Settings,
        records: impl IntoIterator<Item = Record>,
        now: Timestamp,
    ) -> Result<Self, Unreadable> {
        let mut machine = Self::new(settings);
        let (mut memos, mut spans) = (Vec::new(), Vec::new());
        for record in records {
            match record.table {
                Table::Apps => {
                    let registration = read(&record)?;
                    let app = App::new(registration).map_err(|fault| {
                        let (Fault::Invalid(fault) | Fault::Undecodable(fault)) = fault;
                        unreadable(&record, fault)
                    })?;
                    machine.apps.insert(record.key, app);
                }
                Table::Events => {
                    let event: Event = read(&record)?;
                    machine.events.insert(event.id, event);
                }
                Table::Runs => {
                    let mut run: Run = read(&record)?;
                    run.requeue(&mut machine.queue, &mut machine.waiting)
                        .map_err(|fault| unreadable(&record, fault))?;
                    if !run.status.is_final() {
                        machine.changed.insert(run.id);
                        machine.count_again(&run);
                    }
                    machine.index(&run);
                    machine.runs.insert(run.id, run);
                }
                Table::Memos => memos.push(record),
                Table::Spans => spans.push(record),
                Table::Batches => {
                    let batch = read(&record)?;
                    machine.batches.insert(record.key, batch);
                }
                Table::Debounces => {
                    let debounced = read(&record)?;
                    machine.debounces.insert(record.key, debounced);
                }
                Table::Meters => {
                    let spent = read(&record)?;
                    machine.meters.restore(record.key, spent);
                }
                Table::Seen => {
                    let until = read(&record)?;
                    machine.seen.insert(record.key, until);
                }
            }
        }
        for record in memos {
            let ids = record.key.split_once('/');
            let ids = ids.and_then(|(run, step)| Some((run.parse().ok()?, step.parse().ok()?)));
            let (run, step) =
                ids.ok_or_else(|| unreadable(&record, "the key names no step".to_owned()))?;
            if let Some(run) = machine.runs.get_mut(&run).filter(|run| !run.status.is_final()) {
                run.memos.insert(step, read(&record)?);
            }
        }
        spans.sort_by(|one: &Record, other| one.key.cmp(&other.key));
        for record in spans {
            let run = record.key.split_once('/').and_then(|(run, _)| run.parse().ok());
            let run = run.ok_or_else(|| unreadable(&record, "the key names no run".to_owned()))?;
            if let Some(run) = machine.runs.get_mut(&run) {
                run.timeline.restore(read(&record)?);
            }
        }
        machine.restart_crons(now);
        Ok(machine)
    }
}

fn read<T: DeserializeOwned>(record: &Record) -> Result<T, Unreadable> {
    let value = record.value.as_deref().unwrap_or_default();
    serde_json::from_slice(value).map_err(|error| unreadable(record, error.to_string()))
}

fn unreadable(record: &Record, problem: String) -> Unreadable {
    Unreadable { table: record.table, key: record.key.clone(), problem }
}
