//! The files that a component was made of, as cargo notes them beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files of this machine that went into a component: sources, what macros and `include_str!` read, and what build scripts
/// ask to be built anew for. Empty where cargo has noted nothing.
pub fn inputs(component: &Path) -> BTreeSet<PathBuf> {
    let noted = std::fs::read_to_string(component.with_extension("d")).unwrap_or_default();
    // `src/../../words.txt` lies in no `src`. What has gone since was not lost here.
    noted.lines().flat_map(prerequisites).filter_map(|file| file.canonicalize().ok()).collect()
}

/// What stands behind the colon of a rule of a makefile; spaces in paths are escaped.
fn prerequisites(rule: &str) -> Vec<PathBuf> {
    let Some((_, files)) = rule.split_once(": ") else { return Vec::new() };
    let mut paths = vec![String::new()];
    let mut letters = files.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = paths.len() - 1;
        match letter {
            '\\' if letters.peek() == Some(&' ') => paths[last].extend(letters.next()),
            ' ' => paths.push(String::new()),
            letter => paths[last].push(letter),
        }
    }
    paths.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        for (rule, expected) in [
            ("/t/a.wasm: /s/lib.rs /s/b.rs", vec!["/s/lib.rs", "/s/b.rs"]),
            (r"/t/a.wasm: /my\ shop/lib.rs /s/b\c.rs", vec!["/my shop/lib.rs", r"/s/b\c.rs"]),
            ("/t/a.wasm: ", vec![]),
            ("/t/a.wasm:", vec![]),
            ("", vec![]),
        ] {
            let paths: Vec<_> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(prerequisites(rule), paths, "{rule}");
        }
    }

    #[test]
    fn a_component_without_notes_has_no_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        let component = folder.path().join("a.wasm");
        assert!(inputs(&component).is_empty());
        let root = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir(root.join("src")).expect("a folder");
        let (within, beside) = (root.join("src/x.rs"), root.join("y.txt"));
        for file in [&within, &beside] {
            std::fs::write(file, "").expect("written");
        }
        let root = root.display();
        let noted = format!("a.wasm: {root}/src/x.rs {root}/src/../y.txt {root}/gone\n\nx:\n");
        std::fs::write(component.with_extension("d"), noted).expect("written");
        assert_eq!(inputs(&component), [within, beside].into());
    }
}
