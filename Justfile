# Recipes for daily work. Each wraps a command that works without just.

# List the recipes
default:
    @just --list --unsorted

# Build the functions, send their sample events, show each step, print the results
demo:
    cargo run -- demo

# Run functions, and build them anew whenever they are saved: docs/dev.md
dev *folders:
    cargo run -- dev {{ folders }}

# Set up what the tests need and run all of them
test:
    sh .ci/test

# Everything CI checks: format, lints, docs, dependencies, tests
check:
    bash .ci/run

# Build every function for use into target/functions, the folder that workers load
build-functions:
    cargo run -- build

# A drill with figures: `recover` (kill -9 of worker and engine), `hostile` (guests that break limits), `connect` (a
# worker's own connection under misfortune), `surface` (every kind of step and every option, in all ways), `reload`
# (versions alternate under load), `pinning` (runs sleep while versions are deployed), `canary` (one that fails, one that
# does well), `takeover` (a second worker takes the first one's place), `escapes` (components that want more than they were
# granted), `outage` (Redis, the disk and names fail under load), `engine` (10,000 events to five steps: with crashes of
# worker and engine, and without), `edit` (a function is saved again and again while events flow), `gateway` (2,000 webhooks a
# second, while the server is away for a while and the gateway is killed), `flows` (every function of the bus, end to end;
# names of flows play these only), `rollout` (three workers, dialling and behind one address: all started anew under load, one
# killed, one held still), `chaos` (workers, the engine, Redis and the way to workers fail at random: its length in seconds and a seed
# may follow)
drill +which:
    cargo test --locked --workspace --test drill -- --drill {{ which }}

# Build, push, roll out, look, roll back: docs/operate/publish.md
publish *words:
    cargo run --locked --quiet --package publish -- {{ words }}

# The end-to-end tests against an Inngest that is running, such as http://127.0.0.1:8288
e2e server:
    SYSTEM_BUS_E2E_SERVER={{ server }} cargo test --locked --workspace --test e2e

# Search for inputs that break what must hold: `arguments`, `call`, `cel`, `connect`, `destination`, `grants`, `replay`,
# `signature` or `webhook`; docs/testing.md has more
fuzz target seconds="600":
    sh host/fuzz/run {{ target }} {{ seconds }}

# All benchmarks; docs/performance.md says how to read them
bench:
    cargo bench

# Start and idle memory beside the official JavaScript SDK; needs node, npm and the network
bench-peer *options:
    node host/benches/peer/measure.mjs {{ options }}

# Known vulnerabilities of dependencies; needs the network
audit:
    cargo deny check advisories
