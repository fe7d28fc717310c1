//! Many canaries, judged after each of their runs, as a worker judges them.

use super::*;

/// Numbers that look random and are the same in each run of the test (`splitmix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True in so many of a thousand.
    fn happens(&mut self, per_mille: u64) -> bool {
        self.next() % 1_000 < per_mille
    }
}

/// How often the second of three steps fails, per attempt, and how many runs fail in all their attempts; per mille.
#[derive(Clone, Copy)]
struct Code {
    step_fails: u64,
    poisoned: u64,
}

const GOOD: Code = Code { step_fails: 0, poisoned: 0 };
const FLAKY: Code = Code { step_fails: 300, poisoned: 0 };
const POISONED: Code = Code { step_fails: 0, poisoned: 80 };

impl Code {
    /// One run of it, of five attempts.
    fn run(self, id: RunId, tally: &mut Tally, random: &mut Random) {
        let poisoned = random.happens(self.poisoned);
        tally.call(id, 0, Timestamp::UNIX_EPOCH);
        tally.step(id, false);
        for attempt in 1..=5 {
            let failed = poisoned || random.happens(self.step_fails);
            tally.step(id, failed);
            if !failed {
                return tally.step(id, false);
            }
            tally.call(id, attempt, Timestamp::UNIX_EPOCH);
        }
        tally.failure(id);
    }
}

/// How canaries ended: how many of the candidate's runs had been seen by then.
#[derive(Debug, Default)]
struct Ends {
    promoted: Vec<u64>,
    rolled_back: Vec<u64>,
    held: usize,
}

/// Canaries of a tenth of the runs, one run a second, held at most for so many runs of the candidate.
fn canaries(count: u64, candidate: Code, base: Code, at_most: u64) -> Ends {
    let policy = Policy::default();
    let mut ends = Ends::default();
    for seed in 0..count {
        let mut random = Random(seed);
        let (mut new, mut old) = (Tally::default(), Tally::default());
        let mut second = 0;
        loop {
            second += 1;
            let with = if random.happens(100) { (candidate, &mut new) } else { (base, &mut old) };
            with.0.run(run(second), with.1, &mut random);
            match policy.judge(&new, &old, Duration::from_secs(second)) {
                Verdict::Promote { .. } => break ends.promoted.push(new.runs()),
                Verdict::RollBack { .. } => break ends.rolled_back.push(new.runs()),
                Verdict::Hold { .. } if new.runs() >= at_most => break ends.held += 1,
                Verdict::Hold { .. } => {}
            }
        }
    }
    ends.promoted.sort_unstable();
    ends.rolled_back.sort_unstable();
    ends
}

#[test]
fn a_step_that_fails_in_three_of_ten_is_found_within_few_runs() {
    let ends = canaries(300, FLAKY, GOOD, 400);
    assert_eq!(ends.rolled_back.len(), 300, "{ends:?}");
    let (half, most) = (ends.rolled_back[150], ends.rolled_back[285]);
    assert!(half <= 12 && most <= 25, "half of them within {half} runs, 95 % within {most}");
}

#[test]
fn what_is_as_good_as_its_base_is_promoted() {
    let ends = canaries(100, GOOD, GOOD, 400);
    assert_eq!(ends.promoted.len(), 100, "{ends:?}");
    let last = ends.promoted[99];
    assert!(last < 110, "a tenth of 600 seconds, and some chance: {last}");
}

#[test]
fn what_is_as_bad_as_its_base_is_promoted_and_almost_never_rolled_back() {
    for code in [FLAKY, POISONED] {
        let ends = canaries(300, code, code, 400);
        // One in a hundred is what the confidence of 0.99 allows: three. Ten of them would be a wrong test, and no chance.
        assert!(ends.rolled_back.len() < 10, "{ends:?}");
        assert!(ends.promoted.len() >= 285, "{ends:?}");
    }
}

#[test]
fn what_mends_its_base_is_promoted() {
    let ends = canaries(100, GOOD, FLAKY, 400);
    assert_eq!(ends.promoted.len(), 100, "{ends:?}");
}
