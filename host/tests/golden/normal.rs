//! What differs from one time to the next, taken out of what was said.

use std::path::Path;

use regex::{Captures, Regex};

/// Takes it out.
#[derive(Debug)]
pub(crate) struct Normal {
    folders: Vec<String>,
    patterns: Vec<(Regex, &'static str)>,
}

/// What looks like this, and what stands for it. The order counts.
const PATTERNS: [(&str, &str); 15] = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?", "TIME"),
    (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "ID"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b[0-9a-f]{12}\b", "DIGEST"),
    (r"127\.0\.0\.1:(\d{2,5})\b", "127.0.0.1:PORT"),
    (r"\b\d+(\.\d+)?\s?(ns|µs|ms|s)\b", "TOOK"),
    (r#""(\w+Ms|\w+_ms|ts|process|bytes|oldest_call_seconds)": \d+(\.\d+)?"#, "\"$1\": 0"),
    (r"\b\d+(\.\d+)? ?(B|bytes|KiB|MiB|kB|MB)\b", "SIZE"),
    (r"process \d+", "process N"),
    (r"os error \d+", "os error N"),
    (r"_\d{6,}", "_N"),
    // Tables are as wide as what they hold.
    (r"[-=]{3,}", "---"),
    (r" {2,}\|", " |"),
];

impl Default for Normal {
    fn default() -> Self {
        let compiled =
            PATTERNS.map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), instead));
        Self { folders: Vec::new(), patterns: compiled.into() }
    }
}

impl Normal {
    /// Also for these folders, the first of which is the one that was worked in.
    pub(crate) fn of_folders(folders: &[&Path]) -> Self {
        let folders = folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        Self { folders, ..Self::default() }
    }

    pub(crate) fn of(&self, text: &str) -> String {
        let mut text = text.trim_end().to_owned();
        for (at, folder) in self.folders.iter().enumerate() {
            let instead = if at == 0 { "FOLDER" } else { "COMPONENTS" };
            text = text.replace(folder, instead);
        }
        text = text.replace(env!("CARGO_BIN_EXE_system-bus"), "PROGRAM");
        for (pattern, instead) in &self.patterns {
            // A port that stands for nobody is the same each time.
            text = pattern
                .replace_all(&text, |found: &Captures<'_>| {
                    let mut filled = String::new();
                    found.expand(instead, &mut filled);
                    if &found[0] == "127.0.0.1:1" { found[0].to_owned() } else { filled }
                })
                .into_owned();
        }
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
}
