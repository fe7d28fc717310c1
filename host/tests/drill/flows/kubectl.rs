//! `kubectl`: a cluster with one pod, whose files are in a folder of the drill.

use std::path::PathBuf;

use super::stage::Stage;

/// Copies from the pod, and runs commands in it, with the pod's paths under its folder. What is `stuck` is not removed. The
/// cluster is ready unless a file says that it is not.
const KUBECTL: &str = r#"
pod="@POD@"
case "$1" in
get)
    if [ -e "@POD@.not-ready" ]; then echo 'the etcd of the cluster is away' >&2; exit 1; fi
    echo ok
    exit 0 ;;
cp) exec cp -R "$pod${4#*:}" "$5" ;;
esac
shift 5
case "$*" in "rm "*stuck*) echo "rm: it is stuck: Device or resource busy" >&2; exit 1 ;; esac
words=$#
while [ "$words" -gt 0 ]; do
    case "$1" in /*) set -- "$@" "$pod$1" ;; *) set -- "$@" "$1" ;; esac
    shift
    words=$((words - 1))
done
case "$1" in
find) "$@" | sed "s|^$pod||" ;;
*) exec "$@" ;;
esac
"#;

/// Puts it on the stage, unless it is there; the folder of its pod.
pub(super) fn on(stage: &mut Stage) -> PathBuf {
    let pod = stage.folder("pod");
    if !stage.has("programs.kubectl") {
        stage.program("kubectl", &KUBECTL.replace("@POD@", &pod.display().to_string()));
    }
    pod
}

/// While this file is there, the cluster is not ready.
pub(super) fn not_ready(stage: &Stage) -> PathBuf {
    stage.folder("pod").with_extension("not-ready")
}
