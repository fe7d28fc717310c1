//! Which files of a folder are components, and what they are called.

use std::path::Path;

/// The name of the component that a file of this path is: its stem. `None` for what is not a component: other endings,
/// and names that begin with a dot, such as those of files on their way.
pub(super) fn of(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_string_lossy();
    let stem = file.strip_suffix(".wasm")?;
    (!stem.is_empty() && !stem.starts_with('.')).then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_in_wasm_and_is_not_hidden_has_a_name() {
        for (file, name) in [
            ("check.wasm", Some("check")),
            ("/a/b/check.v2.wasm", Some("check.v2")),
            (".check.wasm", None),
            (".wasm", None),
            ("..data", None),
            ("check.wasm.part", None),
            ("check.WASM", None),
            ("check", None),
        ] {
            assert_eq!(of(Path::new(file)).as_deref(), name, "{file}");
        }
    }
}
