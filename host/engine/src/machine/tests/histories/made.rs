//! What histories are made of.

use super::*;

/// One history.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) stages: Vec<Stage>,
    pub(super) rules: Rules,
    pub(super) events: Vec<Happens>,
    /// After which inputs the engine dies and is started again.
    pub(super) engine_dies: BTreeSet<usize>,
    /// After which inputs the worker dies, with the calls that it has.
    pub(super) worker_dies: BTreeSet<usize>,
}

/// A part of the function.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// A step that fails so often before it ends.
    Step(u64),
    /// Two steps side by side.
    Pair,
    /// A sleep of so many hours.
    Sleep(u32),
    /// A wait for an event, for so many hours.
    Wait(u32),
}

/// The flow control of the function.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) calls: Option<u64>,
    pub(super) runs: Option<u64>,
    pub(super) throttle: Option<u32>,
    pub(super) starts: Starts,
    pub(super) cancels: bool,
    pub(super) finish: Option<u32>,
}

/// What an event goes through before it starts a run; no two of these go together, or need to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Starts {
    Always,
    Limited,
    Once,
    Debounced,
    Batched,
    Skipping,
    Replacing,
}

/// Something that comes from outside.
#[derive(Debug, Clone)]
pub(super) struct Happens {
    /// How long after what came before.
    pub(super) after: jiff::SignedDuration,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// An event that starts the function.
    Asked,
    /// The event that its waits are for.
    Answered,
    /// The event that cancels its runs, where there is such a rule.
    Revoked,
    /// Somebody cancels the oldest run.
    Stopped,
}

/// Any history.
pub(super) fn history() -> impl Strategy<Value = History> {
    let stage = prop_oneof![
        4 => (0..3_u64).prop_map(Stage::Step),
        2 => Just(Stage::Pair),
        2 => (0..2_000_u32).prop_map(Stage::Sleep),
        1 => (0..500_u32).prop_map(Stage::Wait),
    ];
    let deaths = || prop::collection::btree_set(0..30_usize, 0..3);
    (prop::collection::vec(stage, 0..3), rules(), events(), deaths(), deaths()).prop_map(
        |(stages, rules, events, engine_dies, worker_dies)| History {
            stages,
            rules,
            events,
            engine_dies,
            worker_dies,
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let starts = prop_oneof![
        4 => Just(Starts::Always),
        1 => Just(Starts::Limited),
        1 => Just(Starts::Once),
        1 => Just(Starts::Debounced),
        1 => Just(Starts::Batched),
        1 => Just(Starts::Skipping),
        1 => Just(Starts::Replacing),
    ];
    let limit = || prop::option::weighted(0.3, 1..3_u64);
    let throttle = prop::option::weighted(0.2, 1..600_u32);
    let finish = prop::option::weighted(0.1, 1..1_000_u32);
    (limit(), limit(), throttle, starts, prop::bool::weighted(0.2), finish).prop_map(
        |(calls, runs, throttle, starts, cancels, finish)| {
            // The server refuses the two together.
            let cancels = cancels && starts != Starts::Batched;
            Rules { calls, runs, throttle, starts, cancels, finish }
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Happens>> {
    let what = prop_oneof![
        6 => Just(What::Asked),
        1 => Just(What::Answered),
        1 => Just(What::Revoked),
        1 => Just(What::Stopped),
    ];
    let after = prop_oneof![
        2 => Just(0_i64),
        2 => 0..60_i64,
        1 => 0..2_000_000_i64,
    ];
    let after = after.prop_map(jiff::SignedDuration::from_secs);
    let happens = (after, what).prop_map(|(after, what)| Happens { after, what });
    prop::collection::vec(happens, 1..5)
}

impl Rules {
    /// As a function declares them.
    pub(super) fn declared(&self) -> Value {
        let mut options = json!({});
        let limit = |most: Option<u64>| most.map(|limit| json!({"limit": limit}));
        let (step, runs) = (limit(self.calls), limit(self.runs));
        if step.is_some() || runs.is_some() {
            let [step, runs] = [step, runs].map(|limit| limit.into_iter().collect::<Vec<_>>());
            options["concurrency"] = json!({"fn": runs, "step": step});
        }
        if let Some(seconds) = self.throttle {
            options["throttle"] = json!({"limit": 1, "period": format!("{seconds}s")});
        }
        if self.cancels {
            options["cancel"] = json!([{"event": "a/revoked"}]);
        }
        if let Some(hours) = self.finish {
            options["timeouts"] = json!({"finish": format!("{hours}h")});
        }
        let (name, rule) = match self.starts {
            Starts::Always => return options,
            Starts::Limited => ("rateLimit", json!({"limit": 1, "period": "1h"})),
            Starts::Once => ("idempotency", json!("event.name")),
            Starts::Debounced => ("debounce", json!({"period": "20s", "timeout": "50s"})),
            Starts::Batched => ("batchEvents", json!({"maxSize": 2, "timeout": "30s"})),
            Starts::Skipping => ("singleton", json!({"mode": "skip"})),
            Starts::Replacing => ("singleton", json!({"mode": "cancel"})),
        };
        options[name] = rule;
        options
    }
}

impl History {
    /// What the worker answers to a call.
    pub(super) fn answer(stages: &[Stage], call: &Call) -> Answer {
        for (n, stage) in stages.iter().enumerate() {
            let (name, other) = (format!("s{n}"), format!("t{n}"));
            match stage {
                Stage::Step(fails) if !call.has(&name) => {
                    return if call.attempt() < *fails { erred(&name) } else { ran(&name) };
                }
                Stage::Pair => {
                    for step in [&name, &other] {
                        if call.targets(step) {
                            return ran(step);
                        }
                    }
                    let left: Vec<Value> = [&name, &other]
                        .into_iter()
                        .filter(|step| !call.has(step))
                        .map(|step| planned(step))
                        .collect();
                    if !left.is_empty() {
                        return ops(&left);
                    }
                }
                Stage::Sleep(hours) if !call.has(&name) => {
                    return ops(&[sleep(&name, &format!("{hours}h"))]);
                }
                Stage::Wait(hours) if !call.has(&name) => {
                    let opts = json!({"event": "a/answered", "timeout": format!("{hours}h")});
                    return ops(&[op("WaitForEvent", &name, &json!({"opts": opts}))]);
                }
                _ => {}
            }
        }
        answer(200, &json!("done"))
    }
}
