//! Programs of the machine that do what they always do, and note how they were called.

use super::stage::Stage;

/// Copies what is in a folder, as `rsync` does with `-a` and a slash at the end; it is not on every machine.
const RSYNC: &str = r#"
mkdir -p "$3"
exec cp -R "$2." "$3"
"#;

/// Puts programs of these names on the stage, unless they are there.
pub(super) fn set(stage: &mut Stage, names: &[&str]) {
    for name in names {
        if !stage.has(&format!("programs.{name}")) {
            let script = format!("exec {name} \"$@\"\n");
            stage.program(name, if *name == "rsync" { RSYNC } else { &script });
        }
    }
}
