//! One activation log, and several processes that write, read, die and damage it.

#[path = "log/process.rs"]
mod process;

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::digest::Digest;
use registry::activation::{By, Change, Draft, Percent};
use registry::log::{AppendError, LogError, LogFile};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn draft(function: &str, why: &str) -> Draft {
    let change = Change {
        function: function.parse().expect("a function id"),
        component: "c".to_owned(),
        digest: Some(Digest::of(why.as_bytes())),
        home: None,
        mode: None,
        percent: Percent::ALL,
    };
    Draft { changes: vec![change], by: By::Reload, why: why.to_owned() }
}

fn open(dir: &Path) -> LogFile {
    LogFile::open(dir).expect("a log")
}

fn append(log: &LogFile, why: &str) -> Result<u64, AppendError> {
    log.append(None, draft("f", why), Timestamp::now).map(|appended| appended.generation)
}

/// What was said of each line.
fn whys(log: &LogFile) -> Vec<String> {
    log.history().all().map(|line| line.why.clone()).collect()
}

#[test]
fn of_two_deployers_one_wins_and_the_other_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let start = Barrier::new(2);
    for round in 0..20 {
        let results = std::thread::scope(|scope| {
            let deployer = |name: &'static str| {
                let log = open(dir.path());
                let (start, seen) = (&start, log.history().generation());
                scope.spawn(move || {
                    start.wait();
                    log.append(Some(seen), draft("f", name), Timestamp::now)
                })
            };
            let deployers = [deployer("one"), deployer("other")];
            deployers.map(|deployer| deployer.join().expect("a deployer"))
        });
        let won: Vec<_> = results.iter().flatten().map(|appended| appended.generation).collect();
        assert_eq!(won, [round + 1]);
        let lost = results.iter().find_map(|result| result.as_ref().err()).expect("one lost");
        assert!(
            matches!(lost, AppendError::Conflict { expected, present } if *expected == round && *present == round + 1),
            "{lost}"
        );
    }
    assert_eq!(open(dir.path()).history().all().len(), 20);
}

#[test]
fn eight_writers_lose_nothing_and_number_without_gaps_and_a_reader_sees_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let reader = open(dir.path());
    let writers: Vec<_> =
        (0..8).map(|n| process::start("writes", dir.path(), &format!("{n}:50"))).collect();
    let begin = Instant::now();
    while reader.history().generation() < 200 {
        // Only the cheap look says when to read: it misses nothing, or this never ends.
        if reader.grown() {
            reader.refresh().expect("in order");
        }
        assert!(begin.elapsed() < PATIENCE, "only {} seen", reader.history().generation());
    }
    for writer in writers {
        process::ends_well(writer);
    }
    reader.refresh().expect("in order");
    assert!(!reader.grown());
    let history = reader.history();
    let numbers: Vec<_> = history.all().map(|line| line.generation).collect();
    assert_eq!(numbers, (1..=400).collect::<Vec<_>>());
    let times: Vec<_> = history.all().map(|line| line.at).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "each is later than the one before");
    let mut said = whys(&reader);
    said.sort_unstable();
    let mut expected: Vec<_> =
        (0..8).flat_map(|n| (0..50).map(move |i| format!("{n}-{i}"))).collect();
    expected.sort_unstable();
    assert_eq!(said, expected);
    assert_eq!(*open(dir.path()).history(), *history, "a late reader knows the same");
}

#[test]
fn wherever_a_writer_died_the_log_goes_on_without_its_lines() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append(&log, "first").expect("written");
    let whole = fs::metadata(log.path()).expect("the file").len();
    append(&log, "torn").expect("written");
    let text = fs::read(log.path()).expect("the file");
    let whole = usize::try_from(whole).expect("small");
    for cut in whole..text.len() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("activations.jsonl");
        fs::write(&path, &text[..cut]).expect("a torn log");
        let log = open(dir.path());
        assert_eq!(whys(&log), ["first"], "cut at {cut}");
        let aside = dir.path().join(format!("activations.torn-{whole}"));
        let kept = fs::read(aside).unwrap_or_default();
        assert_eq!(kept, &text[whole..cut], "what was torn is kept aside");
        // The disk is slow, and this does not depend on the place.
        if cut % 32 == 0 {
            assert_eq!(append(&log, "second").expect("written"), 2);
            assert_eq!(whys(&open(dir.path())), ["first", "second"]);
        }
    }
}

#[test]
fn a_torn_end_is_repaired_while_the_log_is_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append(&log, "first").expect("written");
    let tear = || {
        let mut file = fs::OpenOptions::new().append(true).open(log.path()).expect("the file");
        std::io::Write::write_all(&mut file, br#"{"at":"2026-01-0"#).expect("torn");
    };
    tear();
    assert!(log.grown());
    assert!(!log.refresh().expect("repaired"), "it brings nothing new");
    assert!(!log.grown());
    tear();
    assert_eq!(append(&log, "second").expect("written"), 2);
    assert_eq!(whys(&open(dir.path())), ["first", "second"]);
}

#[test]
fn what_a_killed_writer_was_told_of_is_there() {
    let dir = tempfile::tempdir().expect("a folder");
    for round in 0..5 {
        let told = process::killed("writes", dir.path(), &format!("{round}:1000000"), 5);
        let log = open(dir.path());
        let said = whys(&log);
        for why in &told {
            assert!(said.contains(why), "{why} was acknowledged");
        }
        let numbers: Vec<_> = log.history().all().map(|line| line.generation).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    for why in ["one", "two", "three"] {
        append(&log, why).expect("written");
    }
    let text = fs::read_to_string(log.path()).expect("the file");
    fs::write(log.path(), text.replace("\"two\"", "\"two")).expect("damage");
    let error = LogFile::open(dir.path()).expect_err("corrupt").to_string();
    assert!(error.starts_with("line 2 of ") && error.contains("Repair that line"), "{error}");
    // What is there was not touched.
    let names = fs::read_dir(dir.path()).expect("the folder").count();
    assert_eq!(names, 1);
    fs::write(log.path(), text).expect("repaired by hand");
    assert_eq!(whys(&open(dir.path())), ["one", "two", "three"]);
}

#[test]
fn a_line_that_somebody_damages_later_is_told_and_what_was_known_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append(&log, "one").expect("written");
    let text = fs::read_to_string(log.path()).expect("the file");
    let older = text.replace("\"generation\":1", "\"generation\":0");
    for bad in ["no activation\n", &older] {
        fs::write(log.path(), format!("{text}{bad}")).expect("damage");
        for _ in 0..2 {
            let error = log.refresh().expect_err("bad");
            assert!(
                matches!(error, LogError::Corrupt { line: 2, .. } | LogError::Disorder { .. }),
                "{error}"
            );
        }
        assert!(log.trouble().is_some());
        assert!(append(&log, "two").is_err(), "nothing is written behind it");
        assert_eq!(whys(&log), ["one"]);
    }
    fs::write(log.path(), &text).expect("repaired");
    assert!(!log.refresh().expect("in order"));
    assert!(log.trouble().is_none());
    assert_eq!(append(&log, "two").expect("written"), 2);
}

/// What the error says, and what somebody does to the file.
type Harm<'t> = (&'t str, Box<dyn Fn() + 't>);

#[test]
fn a_log_that_was_cut_or_replaced_is_told_and_what_was_known_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append(&log, "one").expect("written");
    append(&log, "two").expect("written");
    let text = fs::read(log.path()).expect("the file");
    let replace = |bytes: &[u8]| {
        let other = dir.path().join("other");
        fs::write(&other, bytes).expect("another file");
        fs::rename(&other, log.path()).expect("in its place");
    };
    let harms: [Harm<'_>; 4] = [
        ("was cut to", Box::new(|| fs::write(log.path(), &text[..10]).expect("cut"))),
        ("was cut to", Box::new(|| fs::write(log.path(), b"").expect("emptied"))),
        ("is not the file", Box::new(|| replace(&text))),
        ("is not the file", Box::new(|| fs::remove_file(log.path()).expect("removed"))),
    ];
    for (place, (told, harm)) in harms.iter().enumerate() {
        harm();
        assert!(log.grown(), "there is something to tell");
        let error = log.refresh().expect_err("harmed").to_string();
        assert!(error.contains(told), "{error}");
        let error = append(&log, "three").expect_err("harmed").to_string();
        assert!(error.contains(told), "{error}");
        assert!(log.trouble().is_some_and(|trouble| trouble.to_string().contains(told)));
        assert_eq!(whys(&log), ["one", "two"], "what was known stays");
        if place < 2 {
            fs::write(log.path(), &text).expect("put back");
            assert!(!log.refresh().expect("in order again"));
            assert!(log.trouble().is_none());
        }
    }
}

#[cfg(unix)]
#[test]
fn lines_that_the_disk_has_no_room_for_are_not_half_there() {
    let dir = tempfile::tempdir().expect("a folder");
    append(&open(dir.path()), "before").expect("written");
    // A file of this process may have 4 or 8 KiB, as its shell counts; a line has about 270 bytes.
    let told = process::without_room("writes-until-full", dir.path(), "0:1000");
    assert!(!told.is_empty() && told.len() < 100, "{} lines had room", told.len());
    let log = open(dir.path());
    let mut expected = vec!["before".to_owned()];
    expected.extend(told);
    assert_eq!(whys(&log), expected);
    let aside = fs::read_dir(dir.path()).expect("the folder").count();
    assert_eq!(aside, 1, "nothing was torn: the writer has taken its half line back");
    append(&log, "after").expect("written");
}

/// Not a test of its own: what the other processes do.
#[test]
#[ignore = "the other processes of these tests are this"]
fn child() {
    let Some(job) = process::job() else { return };
    let (name, count) = job.argument.split_once(':').expect("name:count");
    let count: u32 = count.parse().expect("a number");
    let log = open(&job.dir);
    for i in 0..count {
        let why = format!("{name}-{i}");
        match append(&log, &why) {
            Ok(_) => process::tell(&why),
            Err(error) => {
                assert_eq!(job.name, "writes-until-full", "{error}");
                assert!(matches!(error, AppendError::Log(LogError::Io { .. })), "{error}");
                assert!(log.history().all().all(|line| line.why != why));
                return;
            }
        }
    }
    assert_eq!(job.name, "writes", "it was to fail");
}
