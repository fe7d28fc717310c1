//! How components are compiled: for the edit loop, where a second counts, and for use, where size and speed do.
//!
//! The profiles are handed to cargo with each build, so that they are there in any workspace. A workspace that has a
//! profile `function` of its own keeps it.

use std::process::Command;

/// How components are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quickly, again and again: incremental, hardly optimised, with line tables.
    Edit,
    /// For use: small and quick, with line tables, which placing takes out unless they are asked for.
    Function,
}

const EDIT: [&str; 7] = [
    r#"inherits="dev""#,
    // As it comes from the compiler, a component is several times as large, and compiling that to machine code takes
    // longer than what is gained here.
    "opt-level=1",
    r#"debug="line-tables-only""#,
    r#"panic="abort""#,
    "incremental=true",
    // The lines of others are nobody's mistakes here.
    r#"package."*".debug=false"#,
    "build-override.opt-level=0",
];

const FUNCTION: [&str; 7] = [
    r#"inherits="release""#,
    "opt-level=3",
    r#"lto="thin""#,
    "codegen-units=1",
    r#"panic="abort""#,
    r#"debug="line-tables-only""#,
    r#"strip="none""#,
];

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Function => "function",
        }
    }

    /// Tells cargo. `has_own`: the workspace says itself what the profile `function` is.
    pub(crate) fn tell(self, cargo: &mut Command, has_own: bool) {
        let name = self.name();
        cargo.args(["--profile", name]);
        let lines: &[&str] = match self {
            Self::Edit => &EDIT,
            Self::Function if has_own => &[],
            Self::Function => &FUNCTION,
        };
        for line in lines {
            cargo.args(["--config", &format!("profile.{name}.{line}")]);
        }
    }
}

/// Whether a root manifest has a profile `function`.
pub(crate) fn is_in(manifest: &str) -> bool {
    let manifest: Result<toml::Table, _> = manifest.parse();
    let profiles = manifest.as_ref().ok().and_then(|manifest| manifest.get("profile")?.as_table());
    profiles.is_some_and(|profiles| profiles.contains_key("function"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(profile: Profile, has_own: bool) -> Vec<String> {
        let mut command = Command::new("cargo");
        profile.tell(&mut command, has_own);
        command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_workspace_keeps_its_own_profile() {
        assert_eq!(told(Profile::Function, true), ["--profile", "function"]);
        let own = told(Profile::Function, false);
        assert!(own.contains(&r#"profile.function.lto="thin""#.to_owned()), "{own:?}");
        assert!(told(Profile::Edit, true).contains(&"profile.edit.incremental=true".to_owned()));
    }

    #[test]
    fn a_profile_is_found_however_it_is_written() {
        for (manifest, expected) in [
            ("[profile.function]\nopt-level = 3", true),
            ("profile = { function = { opt-level = 3 } }", true),
            ("[profile.release]\nopt-level = 3", false),
            ("[workspace]", false),
            ("not a manifest", false),
        ] {
            assert_eq!(is_in(manifest), expected, "{manifest}");
        }
    }

    #[test]
    fn the_profile_of_this_workspace_is_the_one_that_others_get() {
        let manifest = include_str!("../../../Cargo.toml");
        let manifest: toml::Table = manifest.parse().expect("a manifest");
        let ours = manifest["profile"]["function"].as_table().expect("a profile");
        let others: toml::Table = FUNCTION.join("\n").parse().expect("a profile");
        assert_eq!(*ours, others);
    }
}
