//! The key of a development engine that stays: in a file beside what the engine keeps, so that whoever may read that may ask
//! the engine too, and nobody else.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context;
use engine::Data;
use protocol::signature::SigningKey;

/// The file, in the folder of the engine's state.
const FILE: &str = "signing.key";

/// The key for an engine with this state: that of before where there is one, else one made at random.
pub(super) fn of(data: &Data) -> anyhow::Result<SigningKey> {
    let Data::Dir(folder) = data else { return parse(&random_hex()?, Path::new("a random key")) };
    if let Some(key) = kept(folder)? {
        return Ok(key);
    }
    let file = folder.join(FILE);
    let what = || format!("{} cannot be written", file.display());
    fs::create_dir_all(folder).with_context(what)?;
    let text = random_hex()?;
    match make(&file, &text) {
        Ok(()) => parse(&text, &file),
        // Somebody was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            kept(folder)?.with_context(|| format!("{} comes and goes", file.display()))
        }
        Err(error) => Err(error).with_context(what),
    }
}

/// The key of the engine whose state is in this folder; none where there is no such engine.
pub(crate) fn kept(folder: &Path) -> anyhow::Result<Option<SigningKey>> {
    let file = folder.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) => parse(text.trim(), &file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Written beside its place and then linked to it: it is there as a whole, or not at all, and readable for its owner only.
fn make(file: &Path, text: &str) -> std::io::Result<()> {
    let beside: PathBuf = file.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&beside)?;
    let linked = writeln!(written, "{text}")
        .and_then(|()| written.sync_all())
        .and_then(|()| fs::hard_link(&beside, file));
    let removed = fs::remove_file(&beside);
    linked.and(removed)
}

fn parse(text: &str, from: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::parse(text).with_context(|| {
        format!("{} holds no signing key; remove it for a new one", from.display())
    })
}

fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the operating system has no randomness")?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_with_the_state_it_belongs_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = |name: &str| Data::Dir(folder.path().join(name));
        assert!(kept(&folder.path().join("a")).expect("nothing is wrong").is_none());
        let first = of(&data("a")).expect("a key");
        assert_eq!(of(&data("a")).expect("a key").bearer(), first.bearer());
        let read = kept(&folder.path().join("a")).expect("it can be read").expect("it is there");
        assert_eq!(read.bearer(), first.bearer());
        for other in [data("b"), Data::Memory] {
            assert_ne!(of(&other).expect("a key").bearer(), first.bearer());
        }
        let names = fs::read_dir(folder.path().join("a")).expect("a folder");
        assert_eq!(names.count(), 1, "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        of(&Data::Dir(folder.path().to_owned())).expect("a key");
        let file = folder.path().join(FILE);
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::write(&file, "\n").expect("written");
        let said = format!("{:#}", kept(folder.path()).expect_err("it is empty"));
        assert!(said.contains("signing.key holds no signing key; remove it"), "{said}");
    }
}
