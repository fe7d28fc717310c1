//! Looks through the files, the newest first.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::store::{millis, segments};

/// How grave a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// What is looked for; all of it has to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Somewhere in the record, in capitals or not.
    pub(crate) text: Option<String>,
    /// How long ago at most.
    pub(crate) within: Duration,
    /// At least so grave.
    pub(crate) level: Option<Level>,
    pub(crate) component: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) success: Option<bool>,
}

/// Counts of what was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stats {
    pub(crate) count: usize,
    pub(crate) failed: usize,
    pub(crate) levels: BTreeMap<String, usize>,
    pub(crate) components: BTreeMap<String, usize>,
    pub(crate) actions: BTreeMap<String, usize>,
}

impl Filter {
    fn admits(&self, line: &str, record: &Value, since: u128) -> bool {
        let is = |wanted: &Option<String>, member: &Value| {
            wanted.as_ref().is_none_or(|wanted| member.as_str() == Some(wanted))
        };
        let level = || Level::from_str(record["level"].as_str().unwrap_or_default(), true).ok();
        record["timestamp"].as_u64().is_some_and(|at| u128::from(at) >= since)
            && self.level.is_none_or(|least| level().is_some_and(|level| level >= least))
            && is(&self.component, &record["component"])
            && is(&self.source, &record["source"])
            && is(&self.action, &record["action"])
            && is(&self.run, &record["metadata"]["run"])
            && self.success.is_none_or(|success| record["success"] == success)
            && self
                .text
                .as_ref()
                .is_none_or(|text| line.to_lowercase().contains(&text.to_lowercase()))
    }
}

/// Every record that is looked for, in no order. Lines that are no JSON, such as the last one of a process that was killed,
/// are passed over.
fn each(
    folder: &Path,
    filter: &Filter,
    now: SystemTime,
    mut found: impl FnMut(Value),
) -> io::Result<()> {
    let since = millis(now).saturating_sub(filter.within.as_millis());
    for held in segments(folder)? {
        if millis(held.written) < since {
            continue;
        }
        // One that has just made room is gone.
        let Ok(bytes) = fs::read(&held.path) else { continue };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else { continue };
            if filter.admits(line, &record, since) {
                found(record);
            }
        }
    }
    Ok(())
}

/// The newest records that are looked for, the newest first, and how many there are.
pub(crate) fn search(
    folder: &Path,
    filter: &Filter,
    limit: usize,
    now: SystemTime,
) -> io::Result<(Vec<Value>, usize)> {
    let (mut all, mut count) = (Vec::new(), 0);
    let newest = |all: &mut Vec<Value>| {
        all.sort_by_key(|record| std::cmp::Reverse(record["timestamp"].as_u64()));
        all.truncate(limit);
    };
    each(folder, filter, now, |record| {
        count += 1;
        all.push(record);
        if all.len() > limit.saturating_mul(4).max(1_000) {
            newest(&mut all);
        }
    })?;
    newest(&mut all);
    Ok((all, count))
}

/// How many of what there are.
pub(crate) fn stats(folder: &Path, filter: &Filter, now: SystemTime) -> io::Result<Stats> {
    let mut stats = Stats::default();
    each(folder, filter, now, |record| {
        stats.count += 1;
        stats.failed += usize::from(record["success"] == false);
        for (counts, member) in [
            (&mut stats.levels, "level"),
            (&mut stats.components, "component"),
            (&mut stats.actions, "action"),
        ] {
            let name = record[member].as_str().unwrap_or_default().to_owned();
            *counts.entry(name).or_default() += 1;
        }
    })?;
    Ok(stats)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_looked_for_is_found_newest_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let at = |hours: u64| u64::try_from(millis(now)).expect("a time") - hours * 3_600_000;
        let record = |hours, level: &str, component: &str, run: &str, success: bool| {
            json!({"timestamp": at(hours), "level": level, "source": "system-bus", "component": component,
                "action": "probe.redis", "success": success, "metadata": {"run": run}})
        };
        let lines = [
            record(3, "info", "health", "01A", true),
            record(1, "error", "health", "01B", false),
            record(0, "warn", "backup", "01C", false),
            record(30, "fatal", "health", "01D", false),
        ];
        let text: Vec<_> = lines.iter().map(Value::to_string).collect();
        // The last line of somebody who was killed.
        let half = format!("{}\n{{\"timestamp\":", text[2..].join("\n"));
        fs::write(folder.path().join("1-1.jsonl"), text[..2].join("\n")).expect("written");
        fs::write(folder.path().join("2-2.jsonl"), half).expect("written");
        let day = Filter { within: Duration::from_hours(24), ..Filter::default() };
        let runs = |filter: &Filter, limit| {
            let (found, count) = search(folder.path(), filter, limit, now).expect("read");
            let runs = found
                .iter()
                .map(|it| it["metadata"]["run"].as_str().unwrap_or_default().to_owned());
            (runs.collect::<Vec<_>>().join(" "), count)
        };
        let some = |text: &str| Some(text.to_owned());
        for (filter, limit, wanted, count) in [
            (day.clone(), 30, "01C 01B 01A", 3),
            (day.clone(), 2, "01C 01B", 3),
            (Filter { text: some("PROBE.redis"), ..day.clone() }, 30, "01C 01B 01A", 3),
            (Filter { text: some("postgres"), ..day.clone() }, 30, "", 0),
            (Filter { level: Some(Level::Error), ..day.clone() }, 30, "01B", 1),
            (Filter { component: some("health"), ..day.clone() }, 30, "01B 01A", 2),
            (Filter { run: some("01A"), ..day.clone() }, 30, "01A", 1),
            (Filter { success: Some(false), ..day.clone() }, 30, "01C 01B", 2),
            (Filter { source: some("worker"), ..day.clone() }, 30, "", 0),
            (Filter { within: Duration::from_hours(48), ..day.clone() }, 30, "01C 01B 01A 01D", 4),
        ] {
            assert_eq!(runs(&filter, limit), (wanted.to_owned(), count), "{filter:?}");
        }
        let stats = stats(folder.path(), &day, now).expect("read");
        assert_eq!((stats.count, stats.failed, stats.levels["warn"]), (3, 2, 1));
        assert_eq!((stats.components["health"], stats.actions["probe.redis"]), (2, 3));
    }
}
