use super::*;
use crate::activation::{Activation, By, Percent};

const DAY: i64 = 86_400;

fn at(days: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + days * DAY).expect("a time")
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn id(function: &str) -> FunctionId {
    function.parse().expect("an id")
}

/// Lines of `function version day`; a version of `-` takes the function away, one with `%` is a canary.
fn history(lines: &[&str]) -> History {
    let line = |(number, text): (usize, &&str)| {
        let parts: Vec<_> = text.split(' ').collect();
        let version = parts[1].trim_end_matches('%');
        let percent = if parts[1].ends_with('%') { 10.0 } else { 100.0 };
        Activation {
            at: at(parts[2].parse().expect("a day")),
            generation: number as u64 + 1,
            function: id(parts[0]),
            component: "c".to_owned(),
            digest: (version != "-").then(|| digest(version)),
            home: Some(Role::Host),
            mode: None,
            percent: Percent::try_from(percent).expect("a share"),
            by: By::Reload,
            why: String::new(),
        }
    };
    History::default().with(lines.iter().enumerate().map(line)).expect("in order")
}

fn rules(keep: usize) -> Rules {
    Rules { keep, ..Rules::default() }
}

fn run(day: i64) -> RunId {
    let millis = u64::try_from(at(day).as_millisecond()).expect("after 1970");
    ulid::Ulid::from_parts(millis, 1).to_string().parse().expect("a run")
}

/// The server told that the oldest unfinished run is from that day.
fn told(function: &str, oldest: Option<i64>, asked: i64) -> Needs {
    let mut needs = Needs::default();
    needs.told(Role::Host, id(function), oldest.map(run), at(asked));
    needs
}

/// The versions that stay, and the kind of reason.
fn kept(history: &History, needs: &Needs, keep: usize, now: i64) -> String {
    let reasons = reasons(history, needs, &rules(keep), at(now));
    let names = ["v1", "v2", "v3", "v4", "v5"];
    let of = |name: &&str| {
        let kind = match reasons.get(&digest(name))? {
            Reason::Active(_) => "active",
            Reason::Canary(_) => "canary",
            Reason::Recent(_) => "recent",
            Reason::Young { .. } => "young",
            Reason::Needed { .. } => "needed",
            Reason::Unasked { .. } => "unasked",
        };
        Some(format!("{name} {kind}"))
    };
    names.iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

/// What it is about, the lines, what the server told, how many versions to keep, the day, and what stays.
type Case = (&'static str, &'static [&'static str], Needs, usize, i64, &'static str);

const FOUR: &[&str] = &["f v1 0", "f v2 10", "f v3 20", "f v4 30"];

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_stays_and_why() {
    let table: &[Case] = &[
        (
            "nobody asked",
            FOUR,
            Needs::default(),
            1,
            99,
            "v1 unasked, v2 unasked, v3 unasked, v4 active",
        ),
        ("no run is left", FOUR, told("f", None, 98), 1, 99, "v4 active"),
        ("the last two", FOUR, told("f", None, 98), 2, 99, "v3 recent, v4 active"),
        (
            "more than there are",
            FOUR,
            told("f", None, 98),
            9,
            99,
            "v1 recent, v2 recent, v3 recent, v4 active",
        ),
        ("keep none", FOUR, told("f", None, 98), 0, 99, "v4 active"),
        (
            "a run from the time of the second",
            FOUR,
            told("f", Some(15), 98),
            1,
            99,
            "v2 needed, v3 needed, v4 active",
        ),
        (
            "a run older than the log",
            FOUR,
            told("f", Some(-9), 98),
            1,
            99,
            "v1 needed, v2 needed, v3 needed, v4 active",
        ),
        (
            "a run as old as a change",
            FOUR,
            told("f", Some(20), 98),
            1,
            99,
            "v2 needed, v3 needed, v4 active",
        ),
        ("replaced six days ago", FOUR, told("f", None, 36), 1, 36, "v3 young, v4 active"),
        ("replaced seven days ago", FOUR, told("f", None, 37), 1, 37, "v4 active"),
        ("asked before the last change", FOUR, told("f", None, 25), 1, 99, "v3 needed, v4 active"),
        (
            "another function's runs",
            FOUR,
            told("g", None, 98),
            1,
            99,
            "v1 unasked, v2 unasked, v3 unasked, v4 active",
        ),
        ("a canary", &["f v1 0", "f v2% 10"], told("f", None, 98), 1, 99, "v1 active, v2 canary"),
        (
            "a canary that ended",
            &["f v1 0", "f v2% 10", "f v1 20"],
            told("f", None, 98),
            1,
            99,
            "v1 active",
        ),
        (
            "runs of a canary that ended",
            &["f v1 0", "f v2% 10", "f v1 20"],
            told("f", Some(12), 98),
            1,
            99,
            "v1 active, v2 needed",
        ),
        (
            "went back",
            &["f v1 0", "f v2 10", "f v1 20"],
            told("f", None, 98),
            2,
            99,
            "v1 active, v2 recent",
        ),
        ("taken away", &["f v1 0", "f - 10"], told("f", None, 98), 0, 99, ""),
        (
            "taken away, with runs",
            &["f v1 0", "f - 10"],
            told("f", Some(5), 98),
            0,
            99,
            "v1 needed",
        ),
        (
            "one version of two functions",
            &["f v1 0", "g v1 0", "f v2 10"],
            told("f", None, 98),
            1,
            99,
            "v1 active, v2 active",
        ),
    ];
    for (case, lines, needs, keep, now, expected) in table {
        assert_eq!(kept(&history(lines), needs, *keep, *now), *expected, "{case}");
    }
}

#[test]
fn every_home_must_tell() {
    let mut moved = history(&["f v1 0", "f v2 10", "f v3 20"]).all().cloned().collect::<Vec<_>>();
    moved[0].home = Some(Role::Cluster);
    let moved = History::default().with(moved).expect("in order");
    let mut needs = told("f", None, 98);
    assert_eq!(kept(&moved, &needs, 1, 99), "v1 unasked, v2 unasked, v3 active");
    needs.told(Role::Cluster, id("f"), Some(run(15)), at(98));
    assert_eq!(kept(&moved, &needs, 1, 99), "v2 needed, v3 active");
}

#[test]
fn a_file_without_a_line_stays_for_a_while() {
    assert_eq!(unknown(at(0), &rules(1), at(6)), Some(Reason::Young { until: at(7) }));
    assert_eq!(unknown(at(0), &rules(1), at(7)), None);
}

#[test]
fn a_reason_names_what_holds_it() {
    let role = Some(Role::Host);
    let unasked = Reason::Unasked { function: id("f"), role }.to_string();
    assert_eq!(unasked, "no worker for role host has told yet whether f has unfinished runs");
    let needed = Reason::Needed { function: id("f"), since: at(0) }.to_string();
    assert_eq!(needed, "f has unfinished runs since 2023-11-14T22:13:20Z");
}
