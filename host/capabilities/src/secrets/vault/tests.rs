//! Vaults over real sources.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

fn open(text: &str) -> Result<Arc<Vault>, String> {
    // As they are written, faults included: a vault does not rely on the check of the whole file.
    let grants: Grants = toml::from_str(text).expect("grants");
    Vault::open(&grants).map_err(|error| error.to_string())
}

fn value(vault: &Vault, name: &str) -> Option<String> {
    let contents = vault.contents();
    contents.value(name).map(|value| String::from_utf8_lossy(value.bytes()).into_owned())
}

/// Waits until a secret has this value.
fn wait_for(vault: &Vault, name: &str, expected: Option<&str>) {
    let patience = Instant::now() + Duration::from_secs(30);
    while value(vault, name).as_deref() != expected {
        assert!(Instant::now() < patience, "it is {:?}", value(vault, name));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An executable that answers with what the file `answer` beside it holds, and fails without one.
fn agent(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let agent = folder.join("agent");
    let script = format!("#!/bin/sh\nexec /bin/cat {}\n", folder.join("answer").display());
    std::fs::write(&agent, script).expect("written");
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o700)).expect("executable");
    agent.display().to_string()
}

#[test]
fn secrets_come_from_variables_files_and_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "from-a-file\n").expect("written");
    std::fs::write(folder.path().join("answer"), "from-a-command\n").expect("written");
    let vault = open(&format!(
        "secrets.e.env = 'CARGO_MANIFEST_DIR'\nsecrets.f.file = {file:?}\nsecrets.c.command = [{:?}]",
        agent(folder.path())
    ))
    .expect("a vault");
    assert_eq!(value(&vault, "e").as_deref(), Some(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(value(&vault, "f").as_deref(), Some("from-a-file"));
    assert_eq!(value(&vault, "c").as_deref(), Some("from-a-command"));
    assert!(!format!("{vault:?}").contains("from-a"), "it is not printed");
}

#[test]
fn what_cannot_be_read_or_is_not_there_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let short = folder.path().join("short");
    std::fs::write(&short, "12345\n").expect("written");
    for (text, parts) in [
        ("secrets.a = {}".to_owned(), vec!["[secrets.a]", "exactly one of"]),
        (
            "secrets.a.env = 'SURELY_NOT_SET_7'".to_owned(),
            vec!["`a`", "SURELY_NOT_SET_7", "not set"],
        ),
        ("secrets.a.file = '/no/such/file'".to_owned(), vec!["`a`", "/no/such/file"]),
        (
            format!("secrets.a.file = {short:?}"),
            vec!["`a`", "5 bytes", "fewer than 6", "by chance"],
        ),
        ("secrets.a.command = ['/bin/false']".to_owned(), vec!["`a`", "/bin/false", "1"]),
        (
            "components.x.secrets = [{ name = 'a', to = ['https://a.test'] }]".to_owned(),
            vec!["[components.x]", "no [secrets.a]"],
        ),
        (
            "secrets.a.env = 'PATH'\ncomponents.x.secrets = [{ name = 'a', to = ['a.test'] }]"
                .to_owned(),
            vec!["[components.x]", "\"a.test\" is no destination"],
        ),
    ] {
        let error = open(&text).expect_err(&text);
        for part in parts {
            assert!(error.contains(part), "{part} in: {error}");
        }
        assert!(!error.contains("12345"), "{error}");
    }
}

#[test]
fn a_file_is_read_again_when_it_changes_and_its_value_stays_while_it_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "the-first").expect("written");
    let vault = open(&format!("secrets.key.file = {file:?}")).expect("a vault");
    assert_eq!(value(&vault, "key").as_deref(), Some("the-first"));
    std::fs::remove_file(&file).expect("removed");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(value(&vault, "key").as_deref(), Some("the-first"));
    std::fs::write(&file, "the-second").expect("written");
    wait_for(&vault, "key", Some("the-second"));
    assert_eq!(&*vault.redact(b"the-first, the-second"), b"[secret key], [secret key]");
}

#[test]
fn a_lease_is_renewed_survives_failures_and_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = folder.path().join("answer");
    std::fs::write(&answer, "lease-one").expect("written");
    let vault =
        open(&format!("[secrets.key]\ncommand = [{:?}]\nlasts = '3s'", agent(folder.path())))
            .expect("a vault");
    assert_eq!(value(&vault, "key").as_deref(), Some("lease-one"));
    std::fs::write(&answer, "lease-two").expect("written");
    wait_for(&vault, "key", Some("lease-two"));
    // The command fails from here on: the value stays until it has expired.
    std::fs::remove_file(&answer).expect("removed");
    assert_eq!(value(&vault, "key").as_deref(), Some("lease-two"));
    wait_for(&vault, "key", None);
    // What was known is still not for logs.
    assert_eq!(&*vault.redact(b"lease-two"), b"[secret key]");
    std::fs::write(&answer, "lease-three").expect("written");
    wait_for(&vault, "key", Some("lease-three"));
}

#[test]
fn a_vault_that_is_dropped_ends_its_thread_while_a_command_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = folder.path().join("answer");
    std::fs::write(&answer, "lease-one").expect("written");
    let agent = agent(folder.path());
    let vault = open(&format!("[secrets.key]\ncommand = [{agent:?}]\nlasts = '300ms'"));
    let vault = vault.expect("a vault");
    let (began, hangs) = (folder.path().join("began"), "exec /bin/sleep 60");
    std::fs::write(&agent, format!("#!/bin/sh\n: > {}\n{hangs}\n", began.display()))
        .expect("written");
    let patience = Instant::now() + Duration::from_secs(30);
    while !began.exists() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(began.exists());
    // Waits for the thread, and so for no command.
    drop(vault);
}

#[test]
fn a_leave_of_another_component_is_worth_nothing() {
    let vault = open(
        "secrets.key.env = 'CARGO_MANIFEST_DIR'\n\
         components.a.secrets = [{ name = 'key', to = ['https://a.test'] }, { name = 'key', to = ['program:git'], in = ['variable'] }]\n\
         components.b.secrets = [{ name = 'key', to = ['https://b.test'], in = ['body'] }]",
    )
    .expect("a vault");
    let name = vault.leaves["a"].keys().next().expect("a secret").clone();
    for (component, part, to, answer) in [
        ("a", Part::Header, "https://a.test", Ok(())),
        ("a", Part::Variable, "program:git", Ok(())),
        ("a", Part::Variable, "https://a.test", Err(Missing::Part)),
        ("a", Part::Header, "https://b.test", Err(Missing::Destination)),
        ("b", Part::Body, "https://b.test", Ok(())),
        ("b", Part::Header, "https://a.test", Err(Missing::Destination)),
        ("c", Part::Header, "https://a.test", Err(Missing::Destination)),
    ] {
        let to = Destination::parse(to).expect("a destination");
        assert_eq!(
            vault.covers(component, &name, part, &to).map(drop),
            answer,
            "{component} {part} {to}"
        );
    }
}
