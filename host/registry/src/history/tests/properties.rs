//! What must hold of any log and any run.

use proptest::prelude::*;

use super::*;

/// A line's code (none takes the function away), its share, who, whether it is of the second function, and how many
/// milliseconds after the line before.
type Raw = (Option<u8>, u16, u8, bool, i64);

fn raw() -> impl Strategy<Value = Vec<Raw>> {
    let code = prop_oneof![1 => Just(None), 9 => (0..5_u8).prop_map(Some)];
    let share = prop_oneof![Just(10_000), Just(1_000), Just(5_000), 1..10_000_u16];
    prop::collection::vec((code, share, 0..5_u8, any::<bool>(), 1..40_i64), 0..30)
}

fn logged(raw: &[Raw]) -> Vec<Activation> {
    let mut at = 1_000;
    let line = |(place, (code, share, by, second, later)): (usize, &Raw)| {
        at += later;
        let percent = if code.is_none() { 100.0 } else { f64::from(*share) / 100.0 };
        Activation {
            at: Timestamp::from_millisecond(at).expect("a time"),
            generation: place as u64 + 1,
            function: id(if *second { "g" } else { "f" }),
            component: "c".to_owned(),
            digest: code.map(|code| Digest::of(&[code])),
            home: None,
            mode: None,
            percent: Percent::try_from(percent).expect("a share"),
            by: [Discovery, Reload, Rollback, Promotion, Judgement][usize::from(*by)],
            why: String::new(),
        }
    };
    raw.iter().enumerate().map(line).collect()
}

fn runs() -> impl Strategy<Value = RunId> {
    let parts = (900..2_500_u64, 0..1_u128 << 80);
    parts.prop_map(|(millis, random)| RunId::from(ulid::Ulid::from_parts(millis, random)))
}

/// What a run began with, by the rules as they are written, without any index.
fn by_the_rules(lines: &[Activation], function: &FunctionId, run: RunId) -> Option<Digest> {
    let mine: Vec<_> = lines.iter().filter(|line| line.function == *function).collect();
    let begun = |line: &&&Activation| {
        u64::try_from(line.at.as_millisecond()).expect("a time") <= run.unix_millis()
    };
    if mine.first().is_none_or(|first| !begun(&first)) {
        return mine.first()?.digest;
    }
    let (mut base, mut canary) = (None, None);
    for line in mine.iter().take_while(begun) {
        if line.digest.is_none() || base.is_none() || !line.percent.is_canary() {
            (base, canary) = (line.digest, None);
        } else {
            canary = line.digest.map(|digest| (digest, line.percent.basis_points()));
        }
    }
    match canary {
        Some((digest, below)) if standing(run) < below => Some(digest),
        _ => base,
    }
}

proptest! {
    #[test]
    fn it_follows_the_rules_as_they_are_written(raw in raw(), run in runs()) {
        let lines = logged(&raw);
        let history = History::default().with(lines.clone()).expect("in order");
        for function in [id("f"), id("g")] {
            prop_assert_eq!(history.began(&function, run), by_the_rules(&lines, &function, run));
        }
    }

    #[test]
    fn later_lines_change_nothing_of_what_a_run_began_with(raw in raw(), run in runs(), cut in 0..30_usize) {
        let lines = logged(&raw);
        let cut = cut.min(lines.len());
        // What was written when the run began or later: all lines up to its time, and perhaps more.
        let seen = lines.iter().take_while(|line| line.at.as_millisecond() <= i64::try_from(run.unix_millis()).expect("a time")).count();
        let early = History::default().with(lines[..seen.max(cut)].iter().cloned()).expect("in order");
        let late = History::default().with(lines).expect("in order");
        for function in [id("f"), id("g")] {
            if early.lines(&function).next().is_some() {
                prop_assert_eq!(early.began(&function, run), late.began(&function, run));
            }
        }
    }

    #[test]
    fn a_later_run_never_began_with_an_older_line(raw in raw(), one in runs(), other in runs()) {
        // Each line's code is its own, and for all runs.
        let mut lines = logged(&raw);
        for line in &mut lines {
            line.percent = Percent::ALL;
            line.function = id("f");
            line.digest = Some(Digest::of(&line.generation.to_be_bytes()));
        }
        let history = History::default().with(lines.clone()).expect("in order");
        let place = |run| {
            let began = history.began(&id("f"), run);
            lines.iter().position(|line| line.digest == began)
        };
        let (early, late) = if one.unix_millis() <= other.unix_millis() { (one, other) } else { (other, one) };
        prop_assert!(place(early) <= place(late));
    }

    #[test]
    fn readers_agree_however_the_lines_came_to_them(raw in raw(), sizes in prop::collection::vec(0..7_usize, 0..20)) {
        let lines = logged(&raw);
        let whole = History::default().with(lines.clone()).expect("in order");
        let (mut rest, mut pieces) = (lines.as_slice(), History::default());
        for size in sizes {
            let (batch, more) = rest.split_at(size.min(rest.len()));
            pieces = pieces.with(batch.iter().cloned()).expect("in order");
            rest = more;
        }
        prop_assert_eq!(pieces.with(rest.iter().cloned()).expect("in order"), whole);
    }

    #[test]
    fn candidates_go_from_the_newest_to_the_first(raw in raw(), run in runs()) {
        let history = History::default().with(logged(&raw)).expect("in order");
        for function in [id("f"), id("g")] {
            let candidates = history.candidates(&function, run);
            let (began, newest) = (history.began(&function, run), history.newest(&function, run));
            prop_assert_eq!(candidates.first().copied(), newest);
            for (place, candidate) in candidates.iter().enumerate() {
                prop_assert!(!candidates[..place].contains(candidate), "repeats: {:?}", candidates);
            }
            if let Some(began) = began {
                let place = candidates.iter().position(|candidate| *candidate == began);
                let last = Some(candidates.len() - 1);
                prop_assert!(place == last || newest == Some(began), "{began:?} of {candidates:?}");
            }
            if let Some(only) = history.only(&function) {
                prop_assert_eq!(candidates, [only]);
                prop_assert_eq!(began, Some(only));
            }
        }
    }

    #[test]
    fn a_larger_share_contains_the_smaller_one_s_runs(run in runs(), one in 1..10_000_u16, other in 1..10_000_u16) {
        let began = |share: u16| {
            let share = f64::from(share) / 100.0;
            history(&[(100, "A", 100.0, Discovery), (200, "B", share, Reload)]).began(&id("f"), run)
        };
        let (small, large) = (one.min(other), one.max(other));
        prop_assert!(began(small) != Some(digest("B")) || began(large) == Some(digest("B")));
    }

    #[test]
    fn going_back_brings_back_what_was(raw in raw(), generation in 1..30_u64) {
        let history = History::default().with(logged(&raw)).expect("in order");
        prop_assume!(generation <= history.generation());
        let digests = |history: &History| {
            history.functions().map(|(id, line)| (id.clone(), line.digest, line.component.clone())).collect::<Vec<_>>()
        };
        let changes = history.rollback(generation).expect("it is there");
        let (number, at) = (history.generation() + 1, history.last().expect("a line").at);
        let draft = crate::activation::Draft { changes, by: Rollback, why: String::new() };
        let back = history.with(draft.lines(number, at)).expect("in order");
        prop_assert_eq!(digests(&back), digests(&history.at(generation).expect("it is there")));
        for function in [id("f"), id("g")] {
            prop_assert_eq!(back.canary(&function), None);
        }
        // What is the same already needs no line.
        let again = back.generation();
        prop_assert_eq!(back.rollback(again.min(number)).expect("it is there"), []);
    }
}

#[test]
fn a_share_has_about_its_part_of_the_runs() {
    // Ids as the server mints them: many in one millisecond, their random part of good quality. A seed keeps the test
    // the same for ever.
    let runs: Vec<_> = (0..40_000_u64)
        .map(|n| {
            let random = Digest::of(&n.to_be_bytes());
            let random = u128::from_be_bytes(random.as_bytes()[..16].try_into().expect("16 bytes"));
            RunId::from(ulid::Ulid::from_parts(1_700_000_000_000 + n / 50, random >> 48))
        })
        .collect();
    for percent in [1.0, 5.0, 12.5, 50.0, 90.0] {
        let log = history(&[(100, "A", 100.0, Discovery), (200, "B", percent, Reload)]);
        let with =
            runs.iter().filter(|run| log.began(&id("f"), **run) == Some(digest("B"))).count();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let found = 100.0 * with as f64 / runs.len() as f64;
        assert!((found - percent).abs() < 1.0, "{percent} percent came to {found}");
    }
}
