//! A worker of the role cluster, with components that need a host in its folder.

#[path = "../support/process.rs"]
#[allow(dead_code, reason = "other tests kill their workers, and call them")]
mod process;

use std::fs::{self, File};
use std::path::Path;

use self::process::{Process, folder_of, free_address};

/// A worker of this role on a folder with one guest, and what it has logged once it is up.
fn worker(role: &str, guest: &str) -> (Process, String) {
    let (components, own) = (folder_of(&[guest]), tempfile::tempdir().expect("a folder"));
    let log = own.path().join("log");
    let process = start(role, components.path(), own.path(), &log, "off");
    let said = fs::read_to_string(&log).expect("its log");
    (process, said)
}

/// A worker on a folder of components, with a folder of its own and with or without an eye on the former.
fn start(role: &str, components: &Path, own: &Path, log: &Path, watch: &str) -> Process {
    let (listen, versions) = (free_address().to_string(), own.join("versions"));
    let (components, versions) = (components.to_string_lossy(), versions.to_string_lossy());
    let args = ["worker", "--role", role, "--listen", &listen, "--components", &components];
    let args = [&args[..], &["--versions", &versions, "--watch", watch]].concat();
    // Nobody is there: what a worker serves does not depend on its server.
    let nobody = format!("http://{}", free_address());
    let environment = [("INNGEST_DEV", nobody.as_str()), ("SYSTEM_BUS_LOG", "warn")];
    let file = File::create(log).expect("a file");
    Process::start_with_log(&args, &environment, file.into())
}

/// That a cluster serves no function of a guest, and that its log names one with the import and the way out.
fn stays_out(guest: &str, function: &str, import: &str) {
    let (process, said) = worker("cluster", guest);
    assert_eq!(process.up["functions"], 0, "{}", process.up);
    let component = Path::new(guest).file_stem().expect("a name").to_string_lossy();
    let begins =
        format!("function {function} of component {component} is not served here: it imports ");
    let line = said.lines().find(|line| line.contains(&begins));
    let line = line.unwrap_or_else(|| panic!("no line of {function} in {said}"));
    for part in
        [import, "which no worker of the role cluster has", "start a worker with `--role host`"]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_component_with_files_is_not_served_by_a_cluster_and_the_log_names_function_import_and_fix() {
    stays_out(guests::USES_FS, "does", "system-bus:durable/fs-read@0.1.0");
    stays_out(guests::USES_FS, "races", "system-bus:durable/fs-write@0.1.0");
}

#[test]
fn a_component_with_programs_is_not_served_by_a_cluster_and_the_log_names_function_import_and_fix()
{
    stays_out(guests::USES_SHELL, "tells", "system-bus:durable/shell@0.1.0");
}

#[test]
fn a_component_that_is_dropped_in_later_is_told_as_well() {
    let (components, own) =
        (folder_of(&[guests::USES_CONFIG]), tempfile::tempdir().expect("a folder"));
    let log = own.path().join("log");
    let _process = start("cluster", components.path(), own.path(), &log, "on");
    let name = Path::new(guests::USES_FS).file_name().expect("a name");
    let hidden = components.path().join("arriving");
    fs::copy(guests::USES_FS, &hidden).expect("copied");
    fs::rename(hidden, components.path().join(name)).expect("placed");
    let said = || fs::read_to_string(&log).expect("its log");
    for _ in 0..1200 {
        if said().contains("function does of component uses-fs is not served here: it imports") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it was not told:\n{}", said());
}

#[test]
fn a_host_serves_both_and_says_nothing_of_the_kind() {
    for guest in [guests::USES_FS, guests::USES_SHELL] {
        let (process, said) = worker("host", guest);
        assert_ne!(process.up["functions"], 0, "{}", process.up);
        assert!(!said.contains("is not served here"), "{said}");
    }
}
