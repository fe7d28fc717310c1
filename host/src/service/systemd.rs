//! A unit of systemd.

use super::Service;

/// What a service of the whole machine may not do. A worker on a host starts programs and writes files as its grants say, so
/// homes and folders of data are left to those.
const SYSTEM: &str = "\
ProtectSystem=full
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
CapabilityBoundingSet=
AmbientCapabilities=
UMask=0077
";

/// What no worker needs. Memory that is written and then run is not among it: compiled components are.
const ANY: &str = "\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
";

/// The unit.
pub(crate) fn unit(service: &Service) -> String {
    let Service { name, folder, environment, stop, .. } = service;
    let program = service.program.display().to_string();
    let command = std::iter::once(&program).chain(&service.arguments);
    let command: Vec<_> = command.map(|word| quoted(word)).collect();
    let (command, folder) = (command.join(" "), escaped(&folder.display().to_string()));
    let environment = escaped(&environment.display().to_string());
    let (stop, hardening) = (stop.as_secs(), if service.system { SYSTEM } else { "" });
    let wanted = if service.system { "multi-user.target" } else { "default.target" };
    format!(
        "# Written by `system-bus service`; written anew by it, too.
[Unit]
Description={name}: durable functions that are WebAssembly components
Wants=network-online.target
After=network-online.target
# One that fails again and again is left alone, and `systemctl status` says so.
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=main
WorkingDirectory={folder}
EnvironmentFile=-{environment}
ExecStart={command}
Restart=on-failure
RestartSec=2
# The worker alone is asked to stop: programs of its steps end with them.
KillMode=mixed
TimeoutStopSec={stop}
LimitNOFILE=65536
{ANY}{hardening}
[Install]
WantedBy={wanted}
"
    )
}

/// A word of a command. Dollars and percent signs would be read.
fn quoted(word: &str) -> String {
    let word = escaped(word).replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%$+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text in which nothing is replaced.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}
