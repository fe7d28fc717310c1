//! Every input that is worth keeping holds: the seeds, which come from recordings, and what once broke a property.

use std::fs;
use std::path::Path;

/// Runs all inputs of one target; how many there were.
fn replayed(name: &str, check: fuzz::Check) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let files = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{name} has no corpus at {}: {error}", folder.display()));
    let mut count = 0;
    for file in files {
        let path = file.expect("an entry").path();
        let input = fs::read(&path).expect("an input");
        // What breaks shows its own panic; this says which input it was.
        let held = std::panic::catch_unwind(|| check(&input));
        assert!(held.is_ok(), "{} breaks {name}", path.display());
        count += 1;
    }
    count
}

#[test]
fn every_target_holds_for_its_corpus() {
    for (name, check) in fuzz::TARGETS {
        let count = replayed(name, check);
        assert!(count >= 5, "the corpus of {name} has {count} inputs only");
    }
}

#[test]
fn every_corpus_has_a_target() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in fs::read_dir(corpora).expect("corpora") {
        let name = folder.expect("an entry").file_name();
        let name = name.to_str().expect("a name");
        assert!(fuzz::target(name).is_some(), "no target reads corpus/{name}");
    }
}
