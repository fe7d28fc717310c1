//! Files of grants that are wrong, and what is said of them.

use super::{LARGEST, parse};

/// Everything said of a file, one problem a line.
fn said(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

const SOUND: &str = r#"
[roots.notes]
path = "/srv/notes"

[programs.git]
path = "/usr/bin/git"

[secrets.github]
env = "GITHUB_TOKEN"

[redis]
url = "redis://127.0.0.1"

[components.backup]
fs = [{ root = "notes", access = "read" }, { root = "scratch", access = "read-write" }]
shell = [{ program = "git", arguments = ["log", "**"] }]
http = [{ to = "https://api.github.com/repos/**", methods = ["GET"] }]
secrets = [{ name = "github", to = ["https://api.github.com", "program:git"] }]

[components.backup.redis]
prefix = "b:"

[components.backup.keyvalue]
buckets = ["notes"]

[components.backup.config]
depth = "3"
"#;

#[test]
fn a_sound_file_is_read() {
    let grants = parse(SOUND).expect("it is sound");
    let backup = grants.of("backup").expect("it is named");
    assert_eq!((backup.fs.len(), backup.shell.len(), backup.secrets.len()), (2, 1, 1));
    assert_eq!(backup.config["depth"], "3");
    assert!(grants.of("report").is_none());
    assert!(parse("").expect("nothing is granted").components.is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    for (text, place, words) in [
        (
            "[rots.a]\npath = '/a'",
            "line 1, column 2: ",
            "unknown key `rots`: did you mean `roots`?",
        ),
        ("[roots.a]\npth = '/a'\npath = '/a'", "line 2, column 1: ", "did you mean `path`?"),
        ("[roots.a]", "line 1, column 1: ", "missing field `path`"),
        ("[roots.a]\npath = 3", "line 2, column 8: ", "expected"),
        ("[roots.a]\npath = 'a'", "line 2, column 8: ", "`a` is not absolute"),
        ("[roots.a]\npath = '/a/../b'", "line 2, column 8: ", "goes up with `..`"),
        ("[roots.'a b']\npath = '/a'", "line 1, column 8: ", "the name \"a b\" is none"),
        ("[roots.scratch]\npath = '/a'", "line 1, column 8: ", "another name"),
        ("[programs.a]\npath = '/a'\nsha256 = 'abc'", "line 3, column 10: ", "64 hexadecimal"),
        (
            "[secrets.a]",
            "line 1, column 10: ",
            "nowhere: write exactly one of env, file and command",
        ),
        ("[secrets.a]\nenv = 'A'\nfile = '/a'", "line 1, column 10: ", "in 2 places (env, file)"),
        ("[secrets.a]\ncommand = ['a', 'b']", "line 2, column 12: ", "`a` is not absolute"),
        ("[secrets.a]\ncommand = []", "line 2, column 11: ", "the command is empty"),
        (
            "[components.a]\nfs = [{ root = 'nots' }]\n[roots.notes]\npath = '/n'",
            "line 2, column 16: ",
            "no root is called `nots`: did you mean `notes`?",
        ),
        ("[components.a]\nfs = [{ root = 'x' }]", "line 2, column 16: ", "there are none"),
        (
            "[components.a]\nfs = [{ root = 'scratch', access = 'readwrite' }]",
            "line 2, column 36: ",
            "unknown value `readwrite`: did you mean `read-write`?",
        ),
        (
            "[components.a]\nfs = [{ root = 'scratch' }, { root = 'scratch' }]",
            "line 2, column 38: ",
            "granted twice",
        ),
        (
            "[components.a]\nshell = [{ program = 'git' }]",
            "line 2, column 22: ",
            "no program is called `git`",
        ),
        (
            "[components.a]\nsecrets = [{ name = 'k', to = ['https://a.test'] }]",
            "line 2, column 21: ",
            "no secret is called `k`",
        ),
        ("keyvalue = 'redis'\n[roots]", "line 1, column 12: ", "add [redis] with its url"),
        ("[components.a]\nredis = {}", "line 2, column 1: ", "add [redis] with its url"),
        ("[components.'a.wasm']\nconfig = { a = 'b' }", "line 1, column 13: ", "without `.wasm`"),
        ("[components.a]\nfs = 1", "line 2, column 6: ", "expected"),
        (
            "[components.a]\nkeyvalue = { buckets = ['a'], shared = ['a'] }",
            "line 2, column 25: ",
            "one list",
        ),
        ("[redis]\nurl = 'redis://a'\nwithin = '0s'", "line 3, column 10: ", "is no time"),
        ("[roots.a]\npath = '/a'\n[roots.a]\npath = '/b'", "line 3, column ", "duplicate"),
        ("= 1", "line 1, column 1: ", ""),
    ] {
        one_fault(text, place, words);
    }
}

/// One fault, one line, which begins with its place.
fn one_fault(text: &str, place: &str, words: &str) {
    let said = said(text);
    assert!(said.starts_with(place), "{text}\n→ {said}");
    assert!(said.contains(words), "{text}\n→ {said}");
    assert!(!said.contains('\n'), "{text}\n→ {said}");
}

#[test]
fn what_only_its_capability_can_tell_of_an_entry_is_told_with_its_place() {
    for (text, place, words) in [
        ("[redis]\nurl = 'http://a'", "line 2, column 7: ", "no address of a Redis server"),
        ("[redis]\nurl = 'redis://:word@a'", "line 2, column 7: ", "holds a password"),
        ("[redis]\nurl = 'rediss://a/#insecure'", "line 2, column 7: ", "name the certificates"),
        (
            "[programs.a]\npath = '/a'\nvariables = { 'A=B' = 'x' }",
            "line 3, column 1: ",
            "no name of a variable",
        ),
        (
            "[programs.a]\npath = '/a'\n[components.b]\nshell = [{ program = 'a', arguments = ['**', 'x'] }]",
            "line 4, column 39: ",
            "last pattern",
        ),
        (
            "[programs.a]\npath = '/a'\n[components.b]\nshell = [{ program = 'a', memory = '1MiB' }]",
            "line 4, column 36: ",
            "256 MiB or more",
        ),
        (
            "[programs.a]\npath = '/a'\n[components.b]\nshell = [{ program = 'a', variables = [''] }]",
            "line 4, column 39: ",
            "no name of a variable",
        ),
        (
            "[secrets.k]\nenv = 'K'\n[components.a]\nsecrets = [{ name = 'k', to = ['https://a.test', 'https://b.test/x'] }]",
            "line 4, column 50: ",
            "https://b.test/x",
        ),
        ("[secrets.k]\nenv = 'K'\nlasts = '1h'", "line 3, column 9: ", "is for a `command`"),
        ("[inference]\nat_once = 0", "line 2, column 11: ", "write 1 or more"),
        (
            "[[inference.providers]]\nkind = 'openai'\nurl = 'https://me@a.test/v1'\nmodel = 'm'",
            "line 3, column 7: ",
            "cannot be used: it holds a password",
        ),
    ] {
        one_fault(text, place, words);
    }
}

#[test]
fn all_that_this_machine_does_not_have_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let short = folder.path().join("short");
    std::fs::write(&short, "x").expect("written");
    let here = folder.path().display();
    let text = format!(
        "[roots.here]\npath = '{here}'\n[roots.gone]\npath = '{here}/gone'\n\
         [secrets.unset]\nenv = 'SYSTEM_BUS_IS_NEVER_SET'\n[secrets.gone]\nfile = '{here}/gone'\n\
         [secrets.short]\nfile = '{}'\n[secrets.asked]\ncommand = ['/not/run']\n\
         [redis]\nurl = 'rediss://a.test'\nca = '{here}/ca'\npassword_env = 'SYSTEM_BUS_IS_NEVER_SET'\n",
        short.display()
    );
    let said = parse(&text).expect("sound").check_machine().expect_err("absent").to_string();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 6, "{said}");
    for (line, (place, words)) in lines.iter().zip([
        ("line 4, column 8", "the root `gone` cannot be opened at"),
        ("line 6, column 7", "the variable SYSTEM_BUS_IS_NEVER_SET is not set"),
        ("line 8, column 8", "cannot be read"),
        ("line 10, column 8", "see [secrets.short]"),
        ("line 15, column 6", "`ca` of `[redis]`"),
        ("line 16, column 16", "`password_env` of `[redis]` names it"),
    ]) {
        assert!(line.starts_with(place) && line.contains(words), "{line}\nin {said}");
    }
    let digest = "0".repeat(64);
    let programs = format!(
        "[programs.none]\npath = '{here}/none'\n[programs.plain]\npath = '{}'\n[programs.sh]\npath = '/bin/sh'\n\
         [programs.other]\npath = '/bin/sh'\nsha256 = '{digest}'",
        short.display()
    );
    let said = parse(&programs).expect("sound").check_programs().expect_err("absent").to_string();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, (place, words)) in lines.iter().zip([
        ("line 2, column 8", "the program `none` cannot be run"),
        ("line 4, column 8", "nobody may execute it"),
        ("line 9, column 10", "it has the digest"),
    ]) {
        assert!(line.starts_with(place) && line.contains(words), "{line}\nin {said}");
    }
    let sound = parse(&format!("[roots.here]\npath = '{here}'")).expect("sound");
    assert_eq!(sound.check_machine(), Ok(()));
}

#[test]
fn values_by_key_are_kept_in_the_redis_server_that_is_named() {
    let grants = parse("keyvalue = 'redis'\n[redis]\nurl = 'redis://127.0.0.1'").expect("sound");
    assert_eq!(grants.keyvalue, crate::keyvalue::Store::Redis);
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() {
    let said = said(
        "[roots.a]\npath = 3\n[programs.b]\nsha265 = 'x'\npath = 'b'\n[wether]\n\
         [components.c]\nfs = [{ root = 'nowhere' }, { access = 'all', root = 'scratch' }]\n",
    );
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 6, "{said}");
    for (line, (place, words)) in lines.iter().zip([
        ("line 2, column 8", "expected"),
        ("line 4, column 1", "unknown key `sha265`: did you mean `sha256`?"),
        ("line 5, column 8", "`b` is not absolute"),
        ("line 6, column 2", "unknown key `wether`"),
        ("line 8, column 16", "no root is called `nowhere`"),
        ("line 8, column 40", "unknown value `all`"),
    ]) {
        assert!(line.starts_with(place) && line.contains(words), "{line}\nin {said}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    assert!(said(&" ".repeat(LARGEST + 1)).contains("at most"));
    assert!(parse(&" ".repeat(LARGEST)).is_ok());
}
