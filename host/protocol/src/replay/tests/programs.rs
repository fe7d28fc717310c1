//! Random programs against a server in miniature: the code that made a memo fits it at every point of its run,
//! whatever ended in which order; and code in which a stored step was renamed, removed, moved or retyped never does.

use std::collections::BTreeSet;

use super::*;

/// One thing after another.
type Row = Vec<Node>;

#[derive(Debug, Clone)]
enum Node {
    Step(String, &'static str),
    /// All of these.
    Join(Vec<Row>),
    /// The first of these.
    Race(Vec<Row>),
}

/// The numbers that decide everything; the seed is in what a failure says.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

fn program(dice: &mut Dice, depth: usize, steps: &mut usize) -> Row {
    let length = 1 + dice.below(3);
    let mut row = Vec::new();
    for _ in 0..length {
        let branches = |dice: &mut Dice, steps: &mut usize| {
            (0..2 + dice.below(2)).map(|_| program(dice, depth - 1, steps)).collect()
        };
        row.push(match dice.below(if depth == 0 { 4 } else { 8 }) {
            0..5 => {
                *steps += 1;
                let kind = ["run", "run", "run", "sleep", "wait-for-event"][dice.below(5)];
                Node::Step(format!("s{steps}"), kind)
            }
            5 | 6 => Node::Join(branches(dice, steps)),
            _ => Node::Race(branches(dice, steps)),
        });
    }
    row
}

/// A row being run, as an executor would poll it.
struct Running<'p> {
    left: std::slice::Iter<'p, Node>,
    now: Option<Live<'p>>,
}

enum Live<'p> {
    Step(u32),
    Join(Vec<Running<'p>>),
    Race(Vec<Running<'p>>),
}

/// What one call knows.
#[derive(Default)]
struct Polled<'p> {
    found: Vec<Found<'p>>,
    dropped: Vec<u32>,
    count: u32,
    resolved: BTreeSet<u32>,
}

impl<'p> Running<'p> {
    fn new(row: &'p [Node]) -> Self {
        Self { left: row.iter(), now: None }
    }

    /// Goes as far as it can; whether it has ended.
    fn poll(&mut self, polled: &mut Polled<'p>, replay: &mut Replay) -> bool {
        loop {
            let ended = match &mut self.now {
                None => {
                    let Some(node) = self.left.next() else { return true };
                    let rows = |rows: &'p [Row]| rows.iter().map(|row| Running::new(row)).collect();
                    self.now = Some(match node {
                        Node::Step(name, kind) => {
                            let options = match *kind {
                                "sleep" => r#"{"milliseconds":1}"#,
                                "wait-for-event" => WAIT,
                                _ => "",
                            };
                            polled.found.push(Found { name, kind, options });
                            polled.count += 1;
                            Live::Step(polled.count - 1)
                        }
                        Node::Join(all) => Live::Join(rows(all)),
                        Node::Race(all) => {
                            replay.enter_race();
                            Live::Race(rows(all))
                        }
                    });
                    continue;
                }
                Some(Live::Step(ordinal)) => polled.resolved.contains(ordinal),
                Some(Live::Join(rows)) => {
                    rows.retain_mut(|row| !row.poll(polled, replay));
                    rows.is_empty()
                }
                Some(Live::Race(rows)) => {
                    let winner = rows.iter_mut().position(|row| row.poll(polled, replay));
                    if let Some(winner) = winner {
                        rows.remove(winner);
                        for row in rows.iter() {
                            row.drop_into(&mut polled.dropped);
                        }
                    }
                    winner.is_some()
                }
            };
            if !ended {
                return false;
            }
            self.now = None;
        }
    }

    fn drop_into(&self, dropped: &mut Vec<u32>) {
        match &self.now {
            None => {}
            Some(Live::Step(ordinal)) => dropped.push(*ordinal),
            Some(Live::Join(rows) | Live::Race(rows)) => {
                for row in rows {
                    row.drop_into(dropped);
                }
            }
        }
    }
}

/// One call of a program; a body that is to run succeeds.
fn called(program: &[Node], call: Arc<Call>, rigour: Rigour) -> Outcome {
    let mut replay = rigorous(call, rigour);
    let (mut polled, mut main) = (Polled::default(), Running::new(program));
    loop {
        if main.poll(&mut polled, &mut replay) {
            return replay.ended(Ok(raw("0")));
        }
        let (found, dropped) =
            (std::mem::take(&mut polled.found), std::mem::take(&mut polled.dropped));
        match replay.next(found, &dropped).expect("the program keeps the rules") {
            Decision::Resolve { step, .. } => assert!(polled.resolved.insert(step)),
            Decision::Execute { .. } => return replay.finished(raw("1"), TIMING).expect("it ran"),
            Decision::Stop(Stop::Outcome(outcome)) => return outcome,
            Decision::Stop(Stop::Send(sending)) => panic!("{sending:?}"),
        }
    }
}

/// The server's side of one run.
#[derive(Default)]
struct Run {
    ended: Vec<(String, &'static str)>,
    planned: Vec<(String, &'static str)>,
    raced: bool,
    version: i32,
}

impl Run {
    fn call(&self, target: Option<&str>) -> Arc<Call> {
        let memo = |kind: &str| if kind == "StepPlanned" { r#"{"data":1}"# } else { "null" };
        let memos: Vec<_> =
            self.ended.iter().map(|(name, kind)| (name.as_str(), memo(kind))).collect();
        let stack: Vec<_> = memos.iter().map(|(name, _)| *name).collect();
        let immediate = self.planned.is_empty() || self.raced;
        let mut made = (*call(&Setup { target, memos: &memos, stack: &stack, immediate })).clone();
        made.version = self.version;
        Arc::new(made)
    }

    /// Something planned comes to its end.
    fn end_one(&mut self, program: &[Node], dice: &mut Dice) {
        let (name, kind) = self.planned.swap_remove(dice.below(self.planned.len()));
        if kind == "StepPlanned" {
            let call = self.call(Some(&name));
            let outcome = match called(program, Arc::clone(&call), Rigour::Strict) {
                // It lost its race meanwhile: it runs all the same, as it was asked for.
                Outcome::Fits => called(program, call, Rigour::Lenient),
                other => other,
            };
            let Outcome::StepRan { step, .. } = outcome else { panic!("{name}: {outcome:?}") };
            assert_eq!(step.name, name);
        }
        self.ended.push((name, kind));
    }

    /// A call that targets nothing; whether the run has ended.
    fn discover(&mut self, program: &[Node]) -> bool {
        match called(program, self.call(None), Rigour::Strict) {
            Outcome::Done(_) => return true,
            Outcome::StepRan { step, .. } => self.ended.push((step.name, "StepPlanned")),
            Outcome::Switch => self.version = 1,
            Outcome::Planned(ops) => {
                for op in ops {
                    self.raced |= op.race;
                    // What is planned already is not planned twice.
                    if !self.planned.iter().any(|(name, _)| *name == op.step.name) {
                        self.planned.push((op.step.name, op.code.name()));
                    }
                }
            }
            other => panic!("{other:?}"),
        }
        false
    }
}

/// Applies `change` to the row that holds a step, at its place there; whether there is such a row.
fn at(row: &mut Row, name: &str, change: &mut dyn FnMut(&mut Row, usize)) -> bool {
    let place = row.iter().position(|node| matches!(node, Node::Step(own, _) if own == name));
    if let Some(place) = place {
        change(row, place);
        return true;
    }
    row.iter_mut().any(|node| match node {
        Node::Step(..) => false,
        Node::Join(rows) | Node::Race(rows) => rows.iter_mut().any(|row| at(row, name, change)),
    })
}

/// Versions of a program that a run with this step in its memo does not fit, by what was done to it.
fn changed(program: &Row, name: &str, ended: &BTreeSet<&str>) -> Vec<(&'static str, Row)> {
    let mut all = Vec::new();
    let mut with = |what, change: &mut dyn FnMut(&mut Row, usize) -> bool| {
        let (mut other, mut done) = (program.clone(), false);
        assert!(at(&mut other, name, &mut |row, place| done = change(row, place)), "{name}");
        if done {
            all.push((what, other));
        }
    };
    let new = || Node::Step("new".to_owned(), "run");
    with("renamed", &mut |row, place| {
        row[place] = new();
        true
    });
    with("removed", &mut |row, place| {
        row.remove(place);
        true
    });
    with("inserted", &mut |row, place| {
        row.insert(place, new());
        true
    });
    with("retyped", &mut |row, place| {
        let Node::Step(_, kind) = &mut row[place] else { return false };
        *kind = if *kind == "run" { "sleep" } else { "run" };
        true
    });
    with("reordered", &mut |row, place| {
        let Some(Node::Step(next, _)) = row.get(place + 1) else { return false };
        let both = ended.contains(next.as_str());
        row.swap(place, place + 1);
        both
    });
    all
}

#[test]
fn code_fits_what_it_made_and_changed_code_does_not() {
    let (mut finished, mut misfits) = (0, BTreeSet::new());
    for seed in 1..=100_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let program = program(&mut dice, 2, &mut 0);
        let mut run = Run { version: 2, ..Run::default() };
        for _ in 0..200 {
            let barrier = !run.planned.is_empty() && !run.raced;
            if barrier || (!run.planned.is_empty() && dice.below(3) > 0) {
                run.end_one(&program, &mut dice);
            } else if run.discover(&program) {
                finished += 1;
                break;
            }
            let proof = called(&program, run.call(None), Rigour::Proof);
            assert!(
                matches!(proof, Outcome::Fits),
                "seed {seed}: {proof:?}\n{program:?}\n{:?}",
                run.ended
            );
            let Some((name, _)) = run.ended.get(dice.below(run.ended.len().max(1))) else {
                continue;
            };
            let ended: BTreeSet<_> = run.ended.iter().map(|(name, _)| name.as_str()).collect();
            for (what, other) in changed(&program, name, &ended) {
                let outcome = called(&other, run.call(None), Rigour::Strict);
                let Outcome::Unfit(misfit) = outcome else {
                    panic!("seed {seed}: {name} {what}: {outcome:?}\n{program:?}\n{:?}", run.ended)
                };
                misfits.insert((what, misfit.name()));
            }
        }
    }
    assert!(finished > 80, "only {finished} runs came to their end");
    for what in [
        ("renamed", "orphaned"),
        ("removed", "orphaned"),
        ("inserted", "orphaned"),
        ("retyped", "type-changed"),
        ("reordered", "reordered"),
    ] {
        assert!(misfits.contains(&what), "no {what:?} among {misfits:?}");
    }
}
