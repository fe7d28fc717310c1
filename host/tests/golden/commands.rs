//! The commands, in the order in which they are given: some change what the next ones see.

/// The name of a file in `said/`, and the words of its commands.
pub(crate) const COMMANDS: &[(&str, &[&str])] = &[
    ("status", &["status --worker {worker}", "status --worker http://127.0.0.1:1"]),
    (
        "inngest",
        &[
            "inngest status --worker {worker}",
            "inngest status --worker http://127.0.0.1:1",
            "inngest restart-worker --worker {worker} --supervisor systemd",
        ],
    ),
    ("refresh", &["refresh --worker {worker}", "refresh --worker http://127.0.0.1:1"]),
    ("doctor", &["doctor --worker {worker}", "doctor --worker http://127.0.0.1:1"]),
    ("functions", &["functions --worker {worker}", "functions --worker http://127.0.0.1:1"]),
    ("generations", &["generations --worker {worker}", "generations --worker http://127.0.0.1:1"]),
    (
        "grants",
        &[
            "grants --worker {worker}",
            "grants --check {folder}/grants.toml",
            "grants --worker http://127.0.0.1:1",
        ],
    ),
    ("plan", &["plan --worker {worker}", "plan --worker http://127.0.0.1:1"]),
    ("reload", &["reload --worker {worker} --why nothing", "reload --worker {worker} --percent 0"]),
    ("rollback", &["rollback --worker {worker}", "rollback --worker {worker} --to x"]),
    ("runs", &["runs", "runs --status completed --count 1", "runs --status asleep"]),
    ("run", &["run {run}", "run 01JZZZZZZZZZZZZZZZZZZZZZZZ", "run {run} --cancel"]),
    (
        "run-file",
        &[
            "run pull {run} --out {folder}/run.json",
            "run pull 01JZZZZZZZZZZZZZZZZZZZZZZZ",
            "run replay {folder}/run.json --component {components}/steps.wasm",
            "run replay {folder}/nowhere.json",
        ],
    ),
    (
        "events",
        &["events --prefix testing/five", "event {event}", "event 01JZZZZZZZZZZZZZZZZZZZZZZZ"],
    ),
    (
        "send",
        &[
            "send testing/nobody.listens --data {}",
            "send testing/five.requested --follow",
            "send testing/five.requested --data {",
        ],
    ),
    ("loop", &["loop status --redis redis://127.0.0.1:1", "loop status --redis nowhere"]),
    (
        "otel",
        &[
            "otel search anything --records {folder}",
            "otel list --records {folder}",
            "otel stats --records {folder}",
            "otel list --records {folder}/nowhere",
        ],
    ),
    (
        "webhooks",
        &[
            "webhooks list --worker {worker}",
            "webhooks dead --worker {worker}",
            "webhooks replay all --worker {worker}",
            "webhooks dead --worker",
        ],
    ),
    ("inspect", &["inspect {components}/steps.wasm", "inspect {folder}/text.wasm"]),
    ("new", &["new tea-time --folder {folder}/made --sdk 0.1.0", "new Tea!"]),
    (
        "service",
        &[
            "service print --supervisor systemd -- --role host",
            "service print --supervisor launchd -- --role host",
            "service install --no-start --supervisor systemd -- --role host",
            "service uninstall --supervisor launchd",
            "service print --name ../x",
        ],
    ),
    ("man", &["man --out {folder}/man", "man --out {folder}/grants.toml/man"]),
    (
        "serving",
        &[
            "worker --components {folder}/none --role cluster --listen 127.0.0.1:0",
            "worker --roll cluster",
            "gateway --listen 127.0.0.1:0 --providers {folder}/none",
            "nonsense",
        ],
    ),
];
