//! Who this worker is when nobody says: the machine's name and some random digits.
//!
//! With a state folder the digits are kept there, so that the worker is the same one after a restart. Without one they
//! are new each time, because two processes of one machine must never be taken for one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use worker::connect::InstanceId;

/// The instance id to use.
pub(crate) fn default(state_dir: Option<&Path>) -> anyhow::Result<InstanceId> {
    match state_dir {
        None => fresh(),
        Some(dir) => kept(dir),
    }
}

/// The id that the folder holds; a fresh one is put there if it holds none.
fn kept(dir: &Path) -> anyhow::Result<InstanceId> {
    let path = dir.join("instance");
    let what = || format!("{}; check the folder given by --state-dir", path.display());
    std::fs::create_dir_all(dir).with_context(what)?;
    match OpenOptions::new().create_new(true).write(true).open(&path) {
        Ok(mut file) => {
            let id = fresh()?;
            file.write_all(id.as_str().as_bytes()).with_context(what)?;
            Ok(id)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(&path).with_context(what)?;
            text.trim().parse().with_context(|| {
                format!("{} holds no instance id; delete it, or give --instance-id", path.display())
            })
        }
        Err(error) => Err(error).with_context(what),
    }
}

fn fresh() -> anyhow::Result<InstanceId> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).context("the operating system has no randomness")?;
    let uname = rustix::system::uname();
    let host: String = uname
        .nodename()
        .to_string_lossy()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(64)
        .collect();
    let host = host.trim_start_matches(['-', '_', '.']);
    let host = if host.is_empty() { "worker" } else { host };
    Ok(format!("{host}-{:08x}", u32::from_be_bytes(bytes)).parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_folder_every_process_is_another_and_with_one_it_stays_the_same() {
        assert_ne!(default(None).expect("an id"), default(None).expect("an id"));
        let dir = tempfile::tempdir().expect("a folder");
        let state = dir.path().join("new/state");
        let first = default(Some(&state)).expect("an id");
        assert_eq!(default(Some(&state)).expect("an id"), first);
        std::fs::write(state.join("instance"), "a b").expect("written");
        let error = format!("{:#}", default(Some(&state)).expect_err("no id"));
        assert!(error.contains("delete it"), "{error}");
    }
}
