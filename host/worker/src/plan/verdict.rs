//! What a change and the runs that were looked at come to, for whoever is about to deploy. Pure.

use protocol::function::Mode;
use registry::plan::Difference;

use super::Fate;
use super::runs::Runs;

/// What it comes to for one function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether deploying would hurt runs that are under way.
    pub(super) hurts: bool,
    /// What would happen, and what to do about it.
    pub(super) says: Vec<String>,
}

/// What it comes to for a function that would become this, go on in this mode, and declare this differently.
pub(super) fn of(fate: Fate, mode: Mode, declared: &[Difference], runs: Option<&Runs>) -> Verdict {
    let mut says = Vec::new();
    let Some(runs) = runs else { return Verdict { hurts: false, says } };
    if let Some(trouble) = &runs.trouble {
        says.push(format!(
            "{}; ask again when that is mended",
            match runs.unreadable {
                0 => format!("its unfinished runs are not known: {trouble}"),
                some => format!("{} cannot be read: {trouble}", counted(some, "run")),
            }
        ));
    }
    let some = runs.unfinished() > 0;
    if runs.trouble.is_none() || runs.looked_at > 0 {
        says.push(counts(fate, runs));
    }
    if runs.more {
        says.push(format!(
            "there are more unfinished runs than the {} that were looked at; ask for more with --runs",
            runs.looked_at
        ));
    }
    let hurts = match fate {
        Fate::Removed if some => {
            says.push(
                "keep it until its runs are done; or deploy, and keep this worker: they end with the code they \
                 began with, and no new ones begin"
                    .to_owned(),
            );
            true
        }
        Fate::Moved { to } if some => {
            says.push(format!(
                "new runs would begin in the app of role {to}; its registration here stays, without triggers, until \
                 these runs are done, and they need a worker of this role until then"
            ));
            true
        }
        Fate::Changed if runs.breaking() > 0 => {
            says.push(broken(runs));
            true
        }
        _ => false,
    };
    if fate == Fate::Changed {
        says.extend(renames(mode, declared, runs));
    }
    Verdict { hurts, says }
}

/// How many runs there are, and what would become of them.
fn counts(fate: Fate, runs: &Runs) -> String {
    if runs.unfinished() == 0 {
        return "no unfinished runs".to_owned();
    }
    let mut parts = Vec::new();
    if runs.staying() > 0 {
        let with: Vec<_> = runs.stays_with.keys().map(|digest| digest.short().to_owned()).collect();
        let with = if with.is_empty() { "older code".to_owned() } else { with.join(" and ") };
        let why: Vec<_> = runs.stays.iter().map(|(why, count)| format!("{why} {count}")).collect();
        let why =
            if fate == Fate::Changed { format!(" ({})", why.join(", ")) } else { String::new() };
        parts.push(format!("{} stay with {with}{why}", runs.staying()));
    }
    if runs.moves > 0 {
        parts.push(format!("{} move", runs.moves));
    }
    if runs.breaking() > 0 {
        parts.push(format!("{} break", runs.breaking()));
    }
    if runs.unreadable > 0 {
        parts.push(format!("{} unknown", runs.unreadable));
    }
    format!("{}: {}", counted(runs.unfinished(), "unfinished run"), parts.join(", "))
}

/// What `latest` does to runs whose memo does not fit.
fn broken(runs: &Runs) -> String {
    let lost: Vec<_> = runs.lost.keys().map(|step| format!("{step:?}")).collect();
    let again = if lost.is_empty() {
        "steps that they have done may run again".to_owned()
    } else {
        format!("what stands in place of {} would run though it was done", lost.join(" and "))
    };
    format!(
        "its mode is `latest`, so {} would go on with code that does not fit what they have done: {again}; let the mode be \
         `latest-compatible`, which keeps them with the code that fits",
        counted(runs.breaking(), "run")
    )
}

/// What would let runs move that lose a step by its new name.
fn renames(mode: Mode, declared: &[Difference], runs: &Runs) -> Vec<String> {
    let renamed = declared.iter().filter_map(|difference| match difference {
        Difference::StepRenamed { from, to, aliased: false } => Some((from, to)),
        _ => None,
    });
    let said = renamed.filter_map(|(from, to)| {
        let lost = *runs.lost.get(from)?;
        let so = if mode == Mode::Latest { "know that it was done" } else { "move" };
        Some(format!(
            "step {from:?} looks renamed to {to:?}: .alias({from:?}) behind it would let {} {so}",
            counted(lost, "run")
        ))
    });
    said.collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;
    use protocol::role::Role;

    use super::*;

    fn runs(stays: usize, moves: usize) -> Runs {
        let digest = Digest::of(b"old");
        Runs {
            looked_at: stays + moves,
            moves,
            stays: (stays > 0).then_some(("orphaned", stays)).into_iter().collect(),
            stays_with: (stays > 0).then_some((digest, stays)).into_iter().collect(),
            lost: (stays > 0).then(|| ("charge".to_owned(), stays)).into_iter().collect(),
            ..Runs::default()
        }
    }

    fn renamed(aliased: bool) -> Vec<Difference> {
        let (from, to) = ("charge".to_owned(), "charge-card".to_owned());
        vec![Difference::StepRenamed { from, to, aliased }]
    }

    #[test]
    fn runs_that_stay_hurt_nobody_and_a_rename_is_told() {
        let old = Digest::of(b"old").short().to_owned();
        let all = runs(290, 22);
        let verdict = of(Fate::Changed, Mode::LatestCompatible, &renamed(false), Some(&all));
        assert!(!verdict.hurts);
        assert_eq!(
            verdict.says,
            [
                format!("312 unfinished runs: 290 stay with {old} (orphaned 290), 22 move"),
                "step \"charge\" looks renamed to \"charge-card\": .alias(\"charge\") behind it would let 290 runs move"
                    .to_owned(),
            ]
        );
        // With the alias there is nothing to say, nor where no run has done the step.
        let quiet = |declared: &[Difference], runs: &Runs| {
            of(Fate::Changed, Mode::LatestCompatible, declared, Some(runs)).says
        };
        assert_eq!(quiet(&renamed(true), &runs(0, 1)), ["1 unfinished run: 1 move"]);
        assert_eq!(quiet(&renamed(false), &runs(0, 1)), ["1 unfinished run: 1 move"]);
        assert_eq!(quiet(&renamed(false), &Runs::default()), ["no unfinished runs"]);
    }

    #[test]
    fn what_takes_code_away_from_runs_hurts() {
        let (none, some) = (Runs::default(), runs(3, 0));
        let broken = Runs { breaks: [("orphaned", 3)].into(), ..runs(3, 0) };
        let broken = Runs { stays: [].into(), stays_with: [].into(), ..broken };
        let to = Role::Host;
        for (fate, mode, runs, hurts, says) in [
            (Fate::Removed, Mode::default(), &none, false, "no unfinished runs"),
            (Fate::Removed, Mode::default(), &some, true, "keep it until its runs are done"),
            (Fate::Moved { to }, Mode::default(), &none, false, "no unfinished runs"),
            (Fate::Moved { to }, Mode::default(), &some, true, "in the app of role host"),
            (Fate::Changed, Mode::Latest, &broken, true, "3 runs would go on with code"),
            (Fate::Changed, Mode::Latest, &broken, true, "in place of \"charge\""),
            (Fate::Changed, Mode::Pinned, &some, false, "3 stay"),
        ] {
            let verdict = of(fate, mode, &[], Some(runs));
            assert_eq!(verdict.hurts, hurts, "{fate:?} {mode:?}");
            assert!(verdict.says.join("\n").contains(says), "{fate:?} {mode:?}: {verdict:?}");
        }
        assert_eq!(
            of(Fate::Added, Mode::Latest, &[], None),
            Verdict { hurts: false, says: vec![] }
        );
    }

    #[test]
    fn what_is_not_known_is_told() {
        let away =
            Runs { trouble: Some("the server cannot be reached".to_owned()), ..Runs::default() };
        let more = Runs { more: true, ..runs(0, 100) };
        let sealed = Runs {
            unreadable: 2,
            looked_at: 2,
            trouble: Some("no key".to_owned()),
            ..Runs::default()
        };
        for (runs, says) in [
            (&away, "its unfinished runs are not known: the server cannot be reached; ask again"),
            (&more, "more unfinished runs than the 100"),
            (&sealed, "2 runs cannot be read: no key"),
            (&sealed, "2 unfinished runs: 2 unknown"),
        ] {
            let verdict = of(Fate::Changed, Mode::default(), &[], Some(runs));
            assert!(!verdict.hurts);
            assert!(verdict.says.join("\n").contains(says), "{verdict:?}");
        }
        assert!(!away.are_known() && more.are_known());
    }
}
