//! Compiling in a child: what becomes of the worker when the child misbehaves, and of the child when the worker does.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::compile::Child;
use runtime::{Compilation, Compiler, Limits, LoadError, Runtime};

use crate::{bytes, child, compile, runtime};

const PATIENCE: Duration = Duration::from_mins(1);

/// A compiler that is this shell script.
fn script(folder: &Path, script: &str) -> Child {
    let path = folder.join("compiler");
    fs::write(&path, script).expect("written");
    Child::new("/bin/sh", [path.to_str().expect("text").to_owned()])
}

/// What a load ends with when this is the compiler.
async fn failure(child: Child) -> String {
    let runtime = runtime(Compiler::Child(child), None);
    match compile(&runtime, &bytes(guests::CHANGED)).await {
        Err(error @ LoadError::Compiler { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lives(pid: u32) -> bool {
    // One that has ended and was not waited for still has a folder.
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn written_pid(path: &PathBuf) -> u32 {
    let mut pid = None;
    eventually("the child starts", || {
        pid = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
        pid.is_some()
    });
    pid.expect("just seen")
}

#[tokio::test]
async fn what_is_not_a_component_is_refused_in_the_compilers_words() {
    let runtime = runtime(Compiler::Child(child()), None);
    for rubbish in [&b"no component"[..], b"", b"\0asm\x0d\0\x01\0\x01"] {
        let error = compile(&runtime, &Arc::from(rubbish)).await.expect_err("rubbish");
        assert!(matches!(error, LoadError::Compile { .. }), "{error:?}");
        assert!(error.to_string().contains("cannot be compiled"), "{error}");
    }
}

#[tokio::test]
async fn a_child_that_crashes_is_an_error_with_its_last_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let crash = "cat > /dev/null & echo 'out of ideas' >&2; kill -SEGV $$";
    let error = failure(script(folder.path(), crash)).await;
    assert!(error.contains("signal 11") && error.contains("last words: out of ideas"), "{error}");
    let error = failure(script(folder.path(), "echo 'no memory' >&2; exit 3")).await;
    assert!(error.contains("code 3") && error.contains("last words: no memory"), "{error}");
    let error = failure(Child::new("/nowhere/compiler", [])).await;
    assert!(error.contains("/nowhere/compiler cannot be started"), "{error}");
}

#[tokio::test]
async fn a_child_that_answers_rubbish_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for (rubbish, words) in [
        ("echo hello", "JSON"),
        ("exit 0", "JSON"),
        (
            r#"echo '{"compiled":{"engine":"00000000000000000000000000000000","code":9}}'; echo a"#,
            "eof",
        ),
        (r#"echo '{"refused":"no"}'; echo more"#, "more than it announced"),
        (
            r#"echo '{"compiled":{"engine":"00000000000000000000000000000000","code":99999999999}}'"#,
            "allowed",
        ),
        // Whole, and not for us.
        (
            r#"echo '{"compiled":{"engine":"00000000000000000000000000000000","code":2}}'; echo a"#,
            "another build",
        ),
        ("yes | head -c 5000000", "JSON"),
        ("yes | head -c 5000000 >&2", "last words"),
    ] {
        let error = failure(script(folder.path(), rubbish)).await;
        assert!(error.contains(words), "{rubbish}: {error}");
        assert!(error.len() < 5_000, "{} bytes", error.len());
    }
}

#[tokio::test]
async fn a_child_that_takes_too_long_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let script = format!("echo $$ > {}; echo thinking >&2; exec sleep 600", pid.display());
    // Long enough to begin on a busy machine.
    let child = self::script(folder.path(), &script).deadline(Duration::from_secs(3));
    let error = failure(child).await;
    assert!(error.contains("longer than 3s") && error.contains("last words: thinking"), "{error}");
    let pid = written_pid(&pid);
    eventually("the child is gone", || !lives(pid));
}

#[tokio::test]
async fn a_child_that_needs_too_much_memory_is_an_error() {
    // With its usual limit, the same component is compiled: that is most other tests.
    let error = failure(child().memory(8 << 20)).await;
    assert!(error.contains("8 MiB") && error.contains("last words"), "{error}");
}

#[tokio::test]
async fn a_child_that_is_killed_in_the_middle_is_an_error_and_the_next_one_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    // It has the whole component, and is at work.
    let script = format!("echo $$ > {}; exec sleep 600", pid.display());
    let child = self::script(folder.path(), &script);
    let killer = tokio::task::spawn_blocking(move || {
        let pid = i32::try_from(written_pid(&pid)).ok().and_then(rustix::process::Pid::from_raw);
        let kill = rustix::process::Signal::KILL;
        rustix::process::kill_process(pid.expect("a process has an id"), kill).expect("it runs");
    });
    let error = failure(child).await;
    killer.await.expect("killed");
    assert!(error.contains("signal 9"), "{error}");
    let runtime = runtime(Compiler::Child(crate::child()), None);
    compile(&runtime, &bytes(guests::CHANGED)).await.expect("compiled");
}

#[tokio::test]
async fn no_more_children_run_at_once_than_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let script = format!("echo begins >> {0}; sleep 0.3; echo ends >> {0}", log.display());
    for at_once in [1, 3] {
        let child = self::script(folder.path(), &script);
        let at_once = NonZeroUsize::new(at_once).expect("not zero");
        let compilation = Compilation::at_once(Compiler::Child(child), None, at_once);
        let runtime = Runtime::with_compilation(Limits::default(), Vec::new(), compilation);
        let runtime = runtime.expect("an engine");
        let bytes = bytes(guests::CHANGED);
        let compile = || compile(&runtime, &bytes);
        let (one, two, three) = tokio::join!(compile(), compile(), compile());
        assert!(one.is_err() && two.is_err() && three.is_err(), "it compiles nothing");
        let logged = fs::read_to_string(&log).expect("written");
        let logged = logged.split_whitespace().collect::<Vec<_>>().join(" ");
        if at_once.get() == 1 {
            assert_eq!(logged, "begins ends begins ends begins ends");
        } else {
            // On a busy machine one may end before another begins, but they do not wait for each other.
            assert!(logged.contains("begins begins"), "{logged}");
        }
        fs::remove_file(&log).expect("removed");
    }
}

#[tokio::test]
async fn a_child_that_nobody_waits_for_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", path.display());
    let runtime = runtime(Compiler::Child(self::script(folder.path(), &script)), None);
    let waiting = tokio::spawn(async move { compile(&runtime, &bytes(guests::CHANGED)).await });
    let pid = tokio::task::spawn_blocking(move || written_pid(&path)).await.expect("it starts");
    assert!(lives(pid));
    waiting.abort();
    drop(waiting.await);
    eventually("the child is gone", || !lives(pid));
}

/// The real program, and a request for it that leaves room for this component.
fn asked(component: &[u8]) -> (std::process::Child, ChildStdin) {
    let request = serde_json::json!({
        "engine": { "memory": 256 << 20, "stack": 1 << 20, "table_elements": 50_000, "hasty": false },
        "memory": 1_u64 << 30,
        "component": component.len(),
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .arg("compile")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("its input is ours");
    stdin.write_all(format!("{request}\n").as_bytes()).expect("it listens");
    (child, stdin)
}

#[test]
fn a_child_whose_worker_died_ends_by_itself() {
    let component = bytes(guests::SURFACE);
    let answer = |leave: bool| {
        let (child, mut stdin) = asked(&component);
        stdin.write_all(&component).expect("it listens");
        let stays = (!leave).then_some(stdin);
        let output = child.wait_with_output().expect("our own child");
        drop(stays);
        (output.status.success(), output.stdout.len())
    };
    let (success, length) = answer(false);
    assert!(success && length > component.len(), "{length} bytes");
    assert_eq!(answer(true), (false, 0));
}

#[test]
fn a_child_comes_last_on_the_processor_and_has_a_limit_of_memory_before_it_reads_the_component() {
    let (mut child, stdin) = asked(b"never sent");
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id()));
    eventually("it lowers itself", || {
        let status = of("stat").expect("it lives");
        // The 19th field; the second one is a name in brackets.
        let nice = status.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(16));
        let limits = of("limits").expect("it lives");
        let limit = |what| limits.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        nice == Some("19")
            && limit("Max data size").contains("1073741824")
            && limit("Max core file size").split_whitespace().nth(4) == Some("0")
    });
    drop(stdin);
    assert!(!child.wait().expect("our own child").success());
}

#[tokio::test]
async fn a_child_gets_no_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("seen");
    let script = format!("/usr/bin/env > {}; exit 1", seen.display());
    failure(self::script(folder.path(), &script)).await;
    // The shell itself sets these.
    let own = ["PWD=", "OLDPWD=", "SHLVL=", "_="];
    let environment = fs::read_to_string(&seen).expect("written");
    let foreign: Vec<_> =
        environment.lines().filter(|line| !own.iter().any(|own| line.starts_with(own))).collect();
    assert_eq!(foreign, Vec::<&str>::new());
    assert!(std::env::vars_os().next().is_some(), "there would be something to see");
}
