//! Any flow control, any events, any deaths: limits hold, and nobody is forgotten.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What a history is made of.
#[derive(Debug, Clone)]
struct History {
    concurrency: Option<u64>,
    of_one: Option<u64>,
    runs: Option<u64>,
    throttle: Option<(u64, u64)>,
    /// When each event comes, in seconds; whose it is; its priority; how often its step fails.
    events: Vec<(u64, u8, i64, u64)>,
    /// After which inputs the engine dies.
    deaths: BTreeSet<usize>,
    /// Which events are followed by the cancellation of the run that began last.
    cancels: BTreeSet<usize>,
}

fn history() -> impl Strategy<Value = History> {
    let limit = || prop::option::of(1..4_u64);
    let event = (0..60_u64, 0..3_u8, -20..20_i64, 0..3_u64);
    let events = prop::collection::vec(event, 1..25);
    let deaths = prop::collection::btree_set(0..150_usize, 0..8);
    let cancels = prop::collection::btree_set(0..25_usize, 0..4);
    let throttle = prop::option::of((1..4_u64, 1..30_u64));
    (limit(), limit(), limit(), throttle, events, deaths, cancels).prop_map(
        |(concurrency, of_one, runs, throttle, mut events, deaths, cancels)| {
            events.sort_unstable();
            History { concurrency, of_one, runs, throttle, events, deaths, cancels }
        },
    )
}

impl History {
    fn options(&self) -> Value {
        let plain = self.concurrency.map(|limit| json!({"limit": limit}));
        let keyed = self.of_one.map(|limit| json!({"limit": limit, "key": "event.data.who"}));
        let step: Vec<Value> = plain.into_iter().chain(keyed).collect();
        let runs: Vec<Value> = self.runs.iter().map(|limit| json!({"limit": limit})).collect();
        let mut options = json!({"priority": {"run": "event.data.priority"}});
        if !(step.is_empty() && runs.is_empty()) {
            options["concurrency"] = json!({"fn": runs, "step": step});
        }
        if let Some((limit, seconds)) = self.throttle {
            options["throttle"] = json!({"limit": limit, "period": format!("{seconds}s")});
        }
        options
    }

    fn world(&self) -> World {
        let mut world = World::new(|call| {
            let fails = call.body["event"]["data"]["fails"].as_u64().unwrap_or(0);
            match (call.has("one"), call.has("nap")) {
                (false, _) if call.attempt() < fails => erred("one"),
                (false, _) => ran("one"),
                (true, false) => ops(&[sleep("nap", "7s")]),
                _ => answer(200, &json!(call.body["event"]["data"]["n"])),
            }
        });
        world.sync(&[configured("app-f", "a/b", &self.options())]);
        world
    }

    /// Whether every limit holds for what is under way.
    fn check(&self, world: &World) -> Result<(), TestCaseError> {
        let whose =
            |order: &Order| Call::of(order, world.now).body["event"]["data"]["who"].as_u64();
        let calls = world.under_way.len() as u64;
        prop_assert!(self.concurrency.is_none_or(|limit| calls <= limit), "{calls} calls");
        for who in 0..3 {
            let of_one =
                world.under_way.iter().filter(|order| whose(order) == Some(who)).count() as u64;
            prop_assert!(
                self.of_one.is_none_or(|limit| of_one <= limit),
                "{of_one} calls of {who}"
            );
        }
        let runs = world.runs();
        let begun = runs.iter().filter(|run| run.status == Status::Running).count() as u64;
        prop_assert!(self.runs.is_none_or(|limit| begun <= limit), "{begun} runs");
        if let Some((limit, period)) = self.throttle {
            let starts = runs.iter().filter_map(|run| run.started_at);
            let mut starts: Vec<i64> = starts.map(Timestamp::as_millisecond).collect();
            starts.sort_unstable();
            // As many at once as the limit says, and from then on one in each part of the period.
            let part = i64::try_from(period * 1000 / limit).expect("milliseconds");
            let limit = usize::try_from(limit).expect("a small number");
            for more in 1..=starts.len().saturating_sub(limit) {
                let least = part * i64::try_from(more).expect("a small number");
                for row in starts.windows(limit + more) {
                    prop_assert!(row[row.len() - 1] - row[0] >= least, "{starts:?}");
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// No limit is ever exceeded, by deaths least of all, and every run ends as it would have alone.
    #[test]
    fn limits_hold_and_nobody_is_forgotten(history in history()) {
        let mut world = history.world();
        let mut events = history.events.iter().enumerate().peekable();
        let mut canceled = BTreeSet::new();
        for input in 0_usize.. {
            prop_assert!(input < 20_000, "it comes to rest");
            if history.deaths.contains(&input) {
                world.restart();
            }
            let next = events.peek().map(|(_, (second, ..))| {
                at(START) + jiff::SignedDuration::from_secs(i64::try_from(*second).unwrap_or(0))
            });
            let until = next.unwrap_or_else(|| at("2026-11-25T00:00:00Z"));
            let moved = world.step(until);
            history.check(&world)?;
            if moved {
                continue;
            }
            let Some((n, (_, who, priority, fails))) = events.next() else { break };
            world.now = world.now.max(until);
            let data = json!({"n": n, "who": who, "priority": priority, "fails": fails});
            world.send(&json!({"name": "a/b", "data": data}));
            if history.cancels.contains(&n) {
                let running = world.runs().into_iter().rfind(|run| run.status == Status::Running);
                if let Some(run) = running.map(|run| run.id) {
                    world.cancel(run);
                    canceled.insert(run);
                }
            }
        }
        prop_assert_eq!(world.runs().len(), history.events.len());
        for run in world.runs() {
            let status = if canceled.contains(&run.id) { Status::Cancelled } else { Status::Completed };
            prop_assert_eq!(run.status, status, "{:?}", run);
        }
    }
}
