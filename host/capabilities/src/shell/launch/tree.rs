//! Which processes belong together, as Linux tells it. Elsewhere none are found, and only the group is ended.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, getpid};

/// Everything that descends from this process, ended processes aside.
pub(super) fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (pid, stat) in running() {
        children.entry(stat.parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut next = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = next.pop() {
        // Removed, so that no circle of numbers used again can keep this going.
        for child in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(child));
            next.push(child);
        }
    }
    found
}

/// Everything in the session that this process leads or has led, ended processes aside.
pub(crate) fn in_session(leader: Pid) -> Vec<Pid> {
    let leader = leader.as_raw_nonzero().get();
    let own = running().filter(|(_, stat)| stat.session == leader);
    own.filter_map(|(pid, _)| Pid::from_raw(pid)).collect()
}

/// What the system says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: i32,
    session: i32,
}

impl Stat {
    /// Reads `/proc/N/stat`: what stands behind the name, which itself may hold anything.
    fn parse(text: &str) -> Option<Self> {
        let (_, behind) = text.rsplit_once(')')?;
        let mut fields = behind.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let _group = fields.next()?;
        Some(Self { state, parent, session: fields.next()?.parse().ok()? })
    }
}

fn running() -> impl Iterator<Item = (i32, Stat)> {
    let stat = |pid| Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    let known = processes().filter_map(move |pid| Some((pid, stat(pid)?)));
    known.filter(|(_, stat)| stat.state != 'Z')
}

/// How many threads the user of this process has.
#[cfg(target_os = "linux")]
pub(super) fn of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::getuid().as_raw();
    let own = |pid: &i32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|it| it.uid() == user);
    let threads = |pid| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    processes().filter(own).map(|pid| threads(pid) as u64).sum()
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_the_fields_behind_it() {
        let table = [
            ("7 (cat) S 3 7 9 0", Some(('S', 3, 9))),
            ("7 (a) Z 1) R 5 7 8 0", Some(('R', 5, 8))),
            ("7 (cat) S 3 7", None),
            ("7 (cat)", None),
            ("", None),
        ];
        for (text, expected) in table {
            let read = Stat::parse(text).map(|stat| (stat.state, stat.parent, stat.session));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_is_found_in_its_session_and_among_the_descendants() {
        // A session of its own: the one of this process may be led from outside the namespace of its processes, and
        // then it has no number here.
        let mut child =
            std::process::Command::new("setsid").args(["sleep", "60"]).spawn().expect("a child");
        let leader = Pid::from_child(&child);
        let began = std::time::Instant::now();
        while !in_session(leader).contains(&leader) {
            assert!(began.elapsed().as_secs() < 30, "the child leads no session");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(descendants().contains(&leader));
        child.kill().expect("killed");
        child.wait().expect("its end");
        assert!(!in_session(leader).contains(&leader) && !descendants().contains(&leader));
    }
}
