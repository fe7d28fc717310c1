//! A property list of launchd.

use std::fmt::Write as _;

use super::Service;

/// Reads the variables of a file, and becomes the program: launchd knows no such files, and a list is no place for keys.
const SCRIPT: &str = r#"set -a; [ ! -r "$0" ] || . "$0"; set +a; exec "$@""#;

/// The list.
pub(crate) fn plist(service: &Service) -> String {
    let text = |path: &std::path::Path| path.display().to_string();
    let mut words =
        vec!["/bin/sh".to_owned(), "-c".to_owned(), SCRIPT.to_owned(), text(&service.environment)];
    words.push(text(&service.program));
    words.extend(service.arguments.iter().cloned());
    let mut list = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<!-- Written by `system-bus service`; written anew by it, too. -->
<plist version=\"1.0\">
<dict>
",
    );
    let string = |text: &str| format!("<string>{}</string>", escaped(text));
    let array: Vec<_> = words.iter().map(|word| string(word)).collect();
    let array = array.join("\n    ");
    let log = string(&text(&service.log));
    for (key, value) in [
        ("Label", string(&service.name)),
        ("ProgramArguments", format!("<array>\n    {array}\n  </array>")),
        ("WorkingDirectory", string(&text(&service.folder))),
        ("RunAtLoad", "<true/>".to_owned()),
        // One that was asked to end, and did well, stays away; whatever else ends is started again.
        ("KeepAlive", "<dict><key>SuccessfulExit</key><false/></dict>".to_owned()),
        ("ThrottleInterval", "<integer>5</integer>".to_owned()),
        ("ExitTimeOut", format!("<integer>{}</integer>", service.stop.as_secs())),
        ("ProcessType", string("Interactive")),
        ("StandardOutPath", log.clone()),
        ("StandardErrorPath", log),
    ] {
        let _ = writeln!(list, "  <key>{key}</key>\n  {value}");
    }
    list + "</dict>\n</plist>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
