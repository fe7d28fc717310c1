use std::process::Command;

use super::*;

fn service(system: bool) -> Service {
    Service {
        name: "system-bus".to_owned(),
        program: "/opt/system bus/system-bus".into(),
        arguments: ["worker", "--role", "host", "--why", "100 % & <more> \"$HOME\""]
            .map(str::to_owned)
            .to_vec(),
        environment: "/home/ann/.config/system-bus.env".into(),
        folder: "/home/ann".into(),
        log: "/home/ann/Library/Logs/system-bus.log".into(),
        stop: Duration::from_secs(40),
        system,
    }
}

#[test]
fn a_unit_says_what_systemd_has_to_know() {
    let unit = Supervisor::Systemd.text(&service(true));
    for line in [
        "Type=notify",
        "Restart=on-failure",
        "KillMode=mixed",
        "TimeoutStopSec=40",
        "EnvironmentFile=-/home/ann/.config/system-bus.env",
        "ProtectSystem=full",
        "NoNewPrivileges=yes",
        "WantedBy=multi-user.target",
        "ExecStart=\"/opt/system bus/system-bus\" worker --role host --why \"100 %% & <more> \\\"$$HOME\\\"\"",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}\n{unit}");
    }
    // Compiled components are memory that was written and is run.
    assert!(!unit.contains("MemoryDenyWriteExecute"), "{unit}");
    let own = Supervisor::Systemd.text(&service(false));
    assert!(own.contains("WantedBy=default.target") && !own.contains("ProtectSystem"), "{own}");
}

/// Where systemd is there to ask, it finds nothing wrong with the unit.
#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("system-bus");
    std::fs::write(&program, "#!/bin/sh\n").expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("a program");
    }
    let text = Supervisor::Systemd.text(&Service { program, ..service(true) });
    let file = folder.path().join("system-bus.service");
    std::fs::write(&file, &text).expect("written");
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
        eprintln!("systemd-analyze is not here, so the unit was not verified");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // It also tells of other units of the machine.
    let own: Vec<_> = said.lines().filter(|line| line.contains("system-bus.service")).collect();
    assert!(own.is_empty(), "{own:?}\n{text}");
}

#[test]
fn a_list_holds_what_launchd_has_to_know() {
    let list = Supervisor::Launchd.text(&service(false));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &list).expect("written");
    for part in [
        "<key>Label</key>\n  <string>system-bus</string>",
        "<key>KeepAlive</key>\n  <dict><key>SuccessfulExit</key><false/></dict>",
        "<key>RunAtLoad</key>\n  <true/>",
        "<key>ExitTimeOut</key>\n  <integer>40</integer>",
        "<key>StandardErrorPath</key>\n  <string>/home/ann/Library/Logs/system-bus.log</string>",
        "<string>100 % &amp; &lt;more&gt; \"$HOME\"</string>",
    ] {
        assert!(list.contains(part), "{part}\n{list}");
    }
    // A reader of such lists that is not ours, where there is one.
    let read = "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    let Ok(output) = Command::new("python3").args(["-c", read]).arg(file.path()).output() else {
        eprintln!("python3 is not here, so the list was not read");
        return;
    };
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a list");
    let words = read["ProgramArguments"].as_array().expect("words");
    assert_eq!(words[3], "/home/ann/.config/system-bus.env");
    assert_eq!(words.last().expect("a word"), "100 % & <more> \"$HOME\"");
    assert_eq!(read["KeepAlive"]["SuccessfulExit"], false);
}

/// The script of the list hands variables on, and the words as they are.
#[cfg(unix)]
#[test]
fn variables_of_the_file_reach_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = folder.path().join("env");
    std::fs::write(&environment, "KEY='of the file'\n").expect("written");
    let program = PathBuf::from("/usr/bin/env");
    let service = Service { environment, program, arguments: Vec::new(), ..service(false) };
    let list = Supervisor::Launchd.text(&service);
    let words: Vec<_> = list
        .split("<array>")
        .nth(1)
        .and_then(|rest| rest.split("</array>").next())
        .expect("an array")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<string>")?.strip_suffix("</string>"))
        .map(|word| word.replace("&amp;", "&"))
        .collect();
    let output = Command::new(&words[0]).args(&words[1..]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.lines().any(|line| line == "KEY=of the file"), "{said}");
}

#[test]
fn each_supervisor_has_its_places_and_commands() {
    let home = Path::new("/home/ann");
    for (supervisor, system, path) in [
        (Supervisor::Systemd, true, "/etc/systemd/system/system-bus.service"),
        (Supervisor::Systemd, false, "/home/ann/.config/systemd/user/system-bus.service"),
        (Supervisor::Launchd, true, "/Library/LaunchDaemons/system-bus.plist"),
        (Supervisor::Launchd, false, "/home/ann/Library/LaunchAgents/system-bus.plist"),
    ] {
        let service = service(system);
        assert_eq!(supervisor.path(&service, home), Path::new(path));
        let start = supervisor.start(&service, Path::new(path));
        let stop = supervisor.stop(&service);
        assert!(
            start.iter().chain(&stop).all(|words| words.len() > 2 || words[1] == "daemon-reload")
        );
        let user = start.concat().contains(&"--user".to_owned());
        assert_eq!(user, supervisor == Supervisor::Systemd && !system);
    }
}
