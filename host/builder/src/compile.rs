//! Has cargo compile components, and tells what it says as it says it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;

use crate::cargo::{cargo, start_error};
use crate::message::{Finding, Said};
use crate::profile::Profile;
use crate::project::Project;
use crate::stop::Stop;
use crate::target::TARGET;
use crate::{BuildError, Which};

/// What is to be compiled.
#[derive(Debug)]
pub struct Order<'p> {
    /// Of which project.
    pub project: &'p Project,
    /// Which packages of it, by name.
    pub packages: Vec<String>,
    /// Which of their targets.
    pub which: Which,
    /// How.
    pub profile: Profile,
    /// Whether findings are rendered with colours.
    pub colours: bool,
}

/// What was compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The components, in the order in which they were ready.
    pub components: Vec<PathBuf>,
    /// Whether anything had to be done.
    pub fresh: bool,
}

/// Compiles, and tells what cargo says. Blocks until cargo has ended, by itself or through `stop`.
///
/// Fails with [`BuildError::Failed`] where the compiler refuses the code, with everything it has to say.
pub fn compile(
    order: &Order<'_>,
    stop: &Stop,
    mut tell: impl FnMut(&Said),
) -> Result<Compiled, BuildError> {
    let mut command = cargo(&order.project.root);
    command.args(["build", "--target", TARGET]);
    order.profile.tell(&mut command, order.project.has_function_profile);
    command.arg(match order.which {
        Which::Functions => "--lib",
        Which::Guests => "--examples",
    });
    let colours = if order.colours { "json-diagnostic-rendered-ansi" } else { "json" };
    command.arg(format!("--message-format={colours}"));
    for package in &order.packages {
        command.args(["-p", package]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Some(mut child) = stop.spawn(&mut command).map_err(start_error)? else {
        return Err(BuildError::Stopped);
    };
    let words = child.stderr.take();
    let words = thread::spawn(move || words.map(read).unwrap_or_default());

    let mut compiled = Compiled { components: Vec::new(), fresh: true };
    let mut findings: Vec<Finding> = Vec::new();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let Ok(line) = line else { break };
        let Some(said) = Said::parse(&line) else { continue };
        tell(&said);
        match said {
            Said::Compiled { fresh, component, .. } => {
                compiled.fresh &= fresh;
                compiled.components.extend(component);
            }
            Said::Finding(finding) => findings.push(finding),
            Said::Words(_) => {}
        }
    }
    let words = words.join().unwrap_or_default();
    stop.release();
    let status = child.wait().map_err(start_error)?;
    if status.success() {
        return Ok(compiled);
    }
    if stop.is_stopped() {
        return Err(BuildError::Stopped);
    }
    findings.retain(|finding| finding.error);
    Err(BuildError::Failed { said: own_words(&words), findings, status })
}

fn read(mut stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read until a fault is what there is to say.
    drop(stderr.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Why cargo itself has failed: what it says from its first error on. Before that it tells what it does.
fn own_words(stderr: &str) -> String {
    let lines: Vec<_> = stderr.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("error")).unwrap_or_default();
    lines[first..].join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_does_is_not_why_it_fails() {
        for (stderr, expected) in [
            (
                "   Compiling a\n   Compiling b\nerror: no\n\nCaused by:\n  that\n",
                "error: no\n\nCaused by:\n  that",
            ),
            ("error[E1]: no", "error[E1]: no"),
            ("killed\n", "killed"),
            ("", ""),
        ] {
            assert_eq!(own_words(stderr), expected, "{stderr}");
        }
    }
}
