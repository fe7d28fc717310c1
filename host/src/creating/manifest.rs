//! The manifest of a new function: as its workspace writes them, or for a package that stands alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use builder::project::SDK;
use toml::Table;

use super::name::Name;

/// Where the SDK is had from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sdk {
    /// A folder with its sources.
    Folder(PathBuf),
    /// A release, as cargo writes it.
    Version(String),
}

/// The clone of the repository that this program was built from.
const CLONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");

/// What a function needs beside the SDK, and how it is written where no workspace has it.
const NEEDED: [(&str, &str); 2] =
    [("serde", r#"{ version = "1", features = ["derive"] }"#), ("serde_json", r#""1""#)];

impl Sdk {
    /// What somebody has named: a folder if there is one, else a release.
    pub(crate) fn named(text: &str) -> anyhow::Result<Self> {
        let path = Path::new(text);
        if path.join("Cargo.toml").is_file() {
            let path = path.canonicalize().with_context(|| path.display().to_string())?;
            return Ok(Self::Folder(path));
        }
        let release = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+^~=*<>, ".contains(c));
        let starts = text.starts_with(|c: char| c.is_ascii_digit() || "^~=*<>".contains(c));
        anyhow::ensure!(
            release && starts,
            "{text} is neither a folder with the SDK nor a release of it; name the folder sdk of a clone, or write a release such as {}",
            env!("CARGO_PKG_VERSION")
        );
        Ok(Self::Version(text.to_owned()))
    }

    /// What this program was built with: the SDK of its clone while that is there, else the release of the same number.
    fn of_this_program() -> Self {
        match Path::new(CLONE).canonicalize() {
            Ok(folder) if folder.join("Cargo.toml").is_file() => Self::Folder(folder),
            _ => Self::Version(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    fn line(&self, package: &Path) -> String {
        match self {
            // TOML reads strings that JSON writes.
            Self::Folder(folder) => {
                format!("{{ path = {} }}", serde_json::json!(relative(folder, package)))
            }
            Self::Version(version) => format!("{version:?}"),
        }
    }
}

/// The folder as seen from the package, where they are near each other; else as it is.
fn relative(folder: &Path, package: &Path) -> PathBuf {
    let Ok(package) = package.canonicalize() else { return folder.to_owned() };
    let shared = folder.components().zip(package.components()).take_while(|(a, b)| a == b).count();
    let up = package.components().count() - shared;
    // Up to the root and down again is no better than the whole path, and breaks when either moves.
    if up > 3 || shared < 2 {
        return folder.to_owned();
    }
    let down = folder.components().skip(shared);
    std::iter::repeat_n(std::path::Component::ParentDir, up).chain(down).collect()
}

/// What the workspace around a package says.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// Its folder; none for a package that stands alone.
    pub(crate) workspace: Option<PathBuf>,
    manifest: Table,
}

impl Surroundings {
    /// Looks at the folders above, as cargo does: the nearest manifest with a workspace in it.
    pub(crate) fn of(package: &Path) -> anyhow::Result<Self> {
        let package = package.canonicalize().with_context(|| package.display().to_string())?;
        for folder in package.ancestors().skip(1) {
            let path = folder.join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let manifest: Table = text.parse().with_context(|| path.display().to_string())?;
            if manifest.contains_key("workspace") {
                return Ok(Self { workspace: Some(folder.to_owned()), manifest });
            }
        }
        Ok(Self::default())
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.manifest.get("workspace")?.get(name)?.as_table()
    }

    fn has(&self, table: &str, key: &str) -> bool {
        self.table(table).is_some_and(|table| table.contains_key(key))
    }
}

/// The whole manifest. `sdk` is what somebody has named; otherwise the workspace's entry, or what this program has.
pub(crate) fn manifest(
    name: &Name,
    surroundings: &Surroundings,
    sdk: Option<Sdk>,
    package: &Path,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "[package]\nname = \"{}\"", name.as_str())?;
    for (key, alone) in [
        ("version", Some("\"0.1.0\"")),
        ("edition", Some("\"2024\"")),
        ("rust-version", None),
        ("license", None),
        ("publish", Some("false")),
    ] {
        match alone {
            _ if surroundings.has("package", key) => writeln!(text, "{key}.workspace = true")?,
            Some(alone) => writeln!(text, "{key} = {alone}")?,
            None => {}
        }
    }
    writeln!(text, "\n[lib]")?;
    writeln!(
        text,
        "# No \"rlib\" beside it: then nothing is optimized across crates, and components get three times as large."
    )?;
    writeln!(text, "crate-type = [\"cdylib\"]\n\n[dependencies]")?;
    for (needed, alone) in NEEDED {
        if surroundings.has("dependencies", needed) {
            writeln!(text, "{needed}.workspace = true")?;
        } else {
            writeln!(text, "{needed} = {alone}")?;
        }
    }
    match sdk {
        None if surroundings.has("dependencies", SDK) => writeln!(text, "{SDK}.workspace = true")?,
        sdk => {
            let sdk = sdk.unwrap_or_else(Sdk::of_this_program);
            writeln!(text, "{SDK} = {}", sdk.line(package))?;
        }
    }
    if surroundings.table("lints").is_some() {
        writeln!(text, "\n[lints]\nworkspace = true")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(workspace: &str, sdk: Option<Sdk>) -> String {
        let name = Name::parse("ship-order").expect("a name");
        let surroundings =
            Surroundings { workspace: None, manifest: workspace.parse().expect("a manifest") };
        manifest(&name, &surroundings, sdk, Path::new("/nowhere")).expect("memory")
    }

    #[test]
    fn a_manifest_fits_its_surroundings() {
        let version = Some(Sdk::Version("0.1".to_owned()));
        let alone = lines("", version.clone());
        for line in [
            "name = \"ship-order\"",
            "edition = \"2024\"",
            "publish = false",
            "serde_json = \"1\"",
            "system-bus-sdk = \"0.1\"",
            "crate-type = [\"cdylib\"]",
        ] {
            assert!(alone.lines().any(|found| found == line), "{line}: {alone}");
        }
        assert!(!alone.contains("workspace"), "{alone}");
        let ours = lines(include_str!("../../../Cargo.toml"), None);
        for line in [
            "version.workspace = true",
            "license.workspace = true",
            "serde.workspace = true",
            "system-bus-sdk.workspace = true",
            "[lints]",
        ] {
            assert!(ours.lines().any(|found| found == line), "{line}: {ours}");
        }
        // Another workspace has only some of it, and somebody may want another SDK than the workspace's.
        let other = lines("[workspace.dependencies]\nserde = \"1\"\n", version);
        assert!(
            other.contains("serde.workspace = true\nserde_json = \"1\"\nsystem-bus-sdk = \"0.1\""),
            "{other}"
        );
        for manifest in [alone, ours, other] {
            manifest.parse::<Table>().expect("TOML");
        }
    }

    #[test]
    fn an_sdk_is_a_folder_or_a_release() {
        assert_eq!(Sdk::named("0.1.3").expect("a release"), Sdk::Version("0.1.3".to_owned()));
        assert_eq!(Sdk::named(">=1, <2").expect("a release"), Sdk::Version(">=1, <2".to_owned()));
        let folder = Sdk::named(CLONE).expect("a folder");
        assert!(matches!(&folder, Sdk::Folder(folder) if folder.ends_with("sdk")), "{folder:?}");
        assert_eq!(folder, Sdk::of_this_program());
        for bad in ["", "no/such/folder", "1\"", "latest"] {
            assert!(Sdk::named(bad).is_err(), "{bad}");
        }
    }
}
