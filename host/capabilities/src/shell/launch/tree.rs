//! Which processes descend from this one, as Linux tells it. Elsewhere none are found, and only the group is ended.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::process::{Pid, getpid, getuid};

/// Everything that descends from this process, ended processes aside.
pub(super) fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in processes() {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if let Some((state, parent)) = state_and_parent(&stat)
            && state != 'Z'
        {
            children.entry(parent).or_default().push(pid);
        }
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

/// How many threads the user of this process has.
pub(super) fn of_user() -> u64 {
    let user = getuid().as_raw();
    let own = |pid: &i32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|it| it.uid() == user);
    let threads = |pid| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    processes().filter(own).map(|pid| threads(pid) as u64).sum()
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What stands behind the name in `/proc/N/stat`; the name itself may hold anything.
fn state_and_parent(stat: &str) -> Option<(char, i32)> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_the_fields_behind_it() {
        let table = [
            ("7 (cat) S 3 7 7 0", Some(('S', 3))),
            ("7 (a) Z 1) R 5 7 7 0", Some(('R', 5))),
            ("7 (cat)", None),
            ("", None),
        ];
        for (stat, expected) in table {
            assert_eq!(state_and_parent(stat), expected, "{stat}");
        }
    }
}
