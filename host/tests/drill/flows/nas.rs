//! The NAS: a folder of the drill, and programs that reach it as the real ones reach the machine.

use std::path::PathBuf;

use super::programs::Programs;
use super::stage::Stage;

/// Fails as many times as a file of `trouble` says, where its name is among the arguments.
const TROUBLE: &str = r#"
for trouble in "@NAS@"/trouble/*; do
    [ -e "$trouble" ] || continue
    case "$*" in *"${trouble##*/}"*) ;; *) continue ;; esac
    left=$(cat "$trouble")
    [ "$left" -gt 0 ] || continue
    echo $((left - 1)) > "$trouble"
    echo 'ssh: connect to host three-body port 22: No route to host' >&2
    exit 255
done
"#;

/// Runs the command with the folder in place of the root over there; a shell reads it, as over there.
const SSH: &str = r#"
while [ "$1" = -o ]; do shift 2; done
shift
exec sh -c "$(printf '%s' "$*" | sed 's|/volume1|@NAS@/volume1|g')"
"#;

/// Copies files there and from there.
const SCP: &str = r#"
while :; do case "$1" in -o) shift 2 ;; -*) shift ;; *) break ;; esac; done
words=$#
while [ "$words" -gt 0 ]; do
    case "$1" in *:/*) set -- "$@" "@NAS@${1#*:}" ;; *) set -- "$@" "$1" ;; esac
    shift
    words=$((words - 1))
done
exec cp -R -- "$@"
"#;

/// The NAS.
#[derive(Clone)]
pub(crate) struct Nas {
    folder: PathBuf,
    programs: Programs,
}

impl Nas {
    /// Puts `ssh` and `scp` on the stage, unless they are there.
    pub(crate) fn on(stage: &mut Stage) -> Self {
        let folder = stage.folder("nas");
        stage.folder("nas/trouble");
        for (name, script) in [("ssh", SSH), ("scp", SCP)] {
            if !stage.has(&format!("programs.{name}")) {
                let script = format!("{TROUBLE}{script}");
                stage.program(name, &script.replace("@NAS@", &folder.display().to_string()));
            }
        }
        Self { folder, programs: stage.programs() }
    }

    /// Lets calls with this word among their arguments fail so many times.
    pub(crate) fn fails(&self, word: &str, times: u32) {
        std::fs::write(self.folder.join("trouble").join(word), times.to_string()).expect("written");
    }

    /// What is kept there under a path, if it is.
    pub(crate) fn kept(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(format!("{}{path}", self.folder.display())).ok()
    }

    /// How `ssh` or `scp` was called with this word among its arguments.
    pub(crate) fn calls(&self, program: &str, word: &str) -> Vec<Vec<String>> {
        let all = self.programs.calls(program).into_iter();
        all.filter(|call| call.iter().any(|argument| argument.contains(word))).collect()
    }
}
