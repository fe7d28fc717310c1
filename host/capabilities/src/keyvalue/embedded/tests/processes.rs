//! Several processes with one file, and processes that are killed: this test program starts itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;

/// Tells a child which file it has and what to do.
const FILE: &str = "SYSTEM_BUS_TEST_VALUES";
const WORK: &str = "SYSTEM_BUS_TEST_WORK";
/// How often each process counts.
const TIMES: i64 = 200;

fn child(file: &Path, work: &str) -> Child {
    let own = std::env::current_exe().expect("this program");
    let mut command = Command::new(own);
    command.args(["--exact", "--ignored", "--nocapture"]);
    command.arg("keyvalue::embedded::tests::processes::works_as_a_child");
    command.env(FILE, file).env(WORK, work);
    command.stdout(Stdio::piped()).spawn().expect("a child")
}

fn value_of(number: i64) -> Vec<u8> {
    format!("{number:06} ").repeat(300).into_bytes()
}

#[test]
#[ignore = "what the other tests of this file start"]
fn works_as_a_child() {
    let file = std::env::var_os(FILE).expect("started by a test");
    let store = Embedded::open(Path::new(&file)).expect("a file");
    let bucket = Bucket { place: "b".to_owned(), room: 64 << 20 };
    match std::env::var(WORK).expect("started by a test").as_str() {
        "count" => {
            for _ in 0..TIMES {
                store.increment(&bucket, "n", 1, 0, LEFT).expect("counted");
            }
        }
        from => {
            for number in from.parse::<i64>().expect("a number").. {
                let pair = (format!("{number:06}"), value_of(number));
                store.put(&bucket, &[pair]).expect("set");
                println!("answered {number}");
            }
        }
    }
}

#[test]
fn three_processes_count_one_number_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("values");
    let mut children: Vec<_> = (0..3).map(|_| child(&file, "count")).collect();
    for child in &mut children {
        assert!(child.wait().expect("a child").success());
    }
    let store = Embedded::open(&file).expect("a file");
    let counted = store.one(&bucket("b"), "n").expect("a number");
    assert_eq!(counted, (3 * TIMES).to_string().into_bytes());
}

#[test]
fn what_was_answered_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("values");
    let bucket = Bucket { place: "b".to_owned(), room: 64 << 20 };
    let mut next = 0;
    for round in 0..20_u64 {
        let mut child = child(&file, &next.to_string());
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut answered = None;
        for line in lines.map_while(Result::ok) {
            let Some(number) = line.split("answered ").nth(1) else { continue };
            let number: i64 = number.parse().expect("a number");
            let first = answered.replace(number).is_none();
            if first {
                // From its first answer on, at another moment in each round.
                thread::sleep(Duration::from_micros(round * 1_700));
                child.kill().expect("a child of ours");
            }
        }
        assert!(!child.wait().expect("a child").success(), "it was killed");
        let last = answered.expect("at least one answer");

        let store = Embedded::open(&file).expect("the file opens");
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().cloned().unwrap_or_default();
            let page = store.keys(&bucket, &after, LEFT).expect("keys");
            if page.is_empty() {
                break;
            }
            keys.extend(page);
        }
        // At most the one that was under way is there beyond what was answered.
        let there = i64::try_from(keys.len()).expect("few");
        assert!(there > last && there <= last + 2, "round {round}: {there} of {last}");
        let mut bytes = 0;
        for (number, key) in (0..).zip(&keys) {
            let value = store.one(&bucket, key).expect("a value");
            assert_eq!(value, value_of(number), "round {round}, {key}: torn");
            bytes += size(key.len(), value.len());
        }
        let used: i64 = store
            .with(LEFT, |file| Ok(file.query_row("SELECT bytes FROM used", [], |row| row.get(0))?))
            .expect("a count");
        assert_eq!(
            used.cast_unsigned(),
            bytes,
            "round {round}: the count of bytes is that of the values"
        );
        next = there;
    }
}
