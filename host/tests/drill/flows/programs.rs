//! Programs that stand in for those of the machine: scripts that note how they were called, and then do in the folder of
//! the drill what the real one would do elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Between the arguments of a call in the journal.
const BETWEEN: char = '\u{1f}';

/// Begins each script: its arguments go into the journal, on one line.
const NOTE: &str = r#"#!/bin/sh
set -eu
PATH=/usr/local/bin:/usr/bin:/bin
export PATH
line=
for argument in "$@"; do line="$line$argument$(printf '\037')"; done
printf '%s\n' "$(printf '%s' "$line" | tr '\n' ' ')" >> "@JOURNAL@"
"#;

/// The scripts and their journals.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// In this folder, which is there.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes a script; its path.
    pub(crate) fn write(&self, name: &str, script: &str) -> PathBuf {
        let journal = self.journal(name).display().to_string();
        let path = self.folder.join(name);
        fs::write(&path, NOTE.replace("@JOURNAL@", &journal) + script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made a program");
        path
    }

    /// How a program was called so far, call by call.
    pub(crate) fn calls(&self, name: &str) -> Vec<Vec<String>> {
        let journal = fs::read_to_string(self.journal(name)).unwrap_or_default();
        let call = |line: &str| {
            let line = line.strip_suffix(BETWEEN).unwrap_or(line);
            line.split(BETWEEN).map(str::to_owned).collect()
        };
        journal.lines().map(call).collect()
    }

    fn journal(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.calls"))
    }
}
