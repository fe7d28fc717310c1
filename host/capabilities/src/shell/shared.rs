//! Programs and grants, checked at the start, and who may run what.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use protocol::digest::Digest;

use super::grant::{Grant, Program};
use super::pattern::{PatternError, Patterns};
use crate::grants::{Grants, Name, Size, Wrong};
use crate::refusal::{Answer, Refusal};

const OUTPUT: u64 = 1 << 20;
const PROCESSES: u64 = 32;
const MEMORY: u64 = 1 << 30;
const FILE: u64 = 1 << 30;

/// The launcher has to fit too, before it becomes the program.
const LEAST_MEMORY: u64 = 256 << 20;

/// What the operator wrote of programs, checked.
#[derive(Debug)]
pub(crate) struct Programs {
    programs: BTreeMap<Name, Known>,
    components: BTreeMap<String, Vec<Terms>>,
}

/// A program.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) path: PathBuf,
    pub(crate) digest: Option<Digest>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// On which terms a component may run a program.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The number of its line among those of the component.
    pub(crate) line: usize,
    program: Name,
    arguments: Patterns,
    pub(crate) variables: Vec<String>,
    pub(crate) within: Option<Duration>,
    pub(crate) output: u64,
    pub(crate) processes: u64,
    pub(crate) memory: u64,
    pub(crate) file: u64,
}

/// Why what is written of programs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Which program runs would depend on where the worker was started.
    #[error("the program `{name}` has the path {}, which is not absolute: write it from `/` on", path.display())]
    Relative {
        /// Its name.
        name: Name,
        /// What is written down.
        path: PathBuf,
    },
    /// No digest.
    #[error(
        "`sha256` of the program `{name}` is no SHA-256: write the 64 digits that `sha256sum` prints"
    )]
    Digest {
        /// Its name.
        name: Name,
    },
    /// A component is granted a program that is not there.
    #[error(
        "the component `{component}` is granted the program `{program}`, and there is no [programs.{program}]"
    )]
    Unknown {
        /// The component.
        component: String,
        /// What its grant names.
        program: Name,
    },
    /// The arguments that it may give are no patterns.
    #[error("the arguments of `{program}` for the component `{component}`: {error}")]
    Pattern {
        /// The component.
        component: String,
        /// The program.
        program: Name,
        /// What is wrong.
        error: PatternError,
    },
    /// Nothing runs in that little.
    #[error(
        "`memory` of `{program}` for the component `{component}` is {memory}; it counts address space, so write 256 MiB or more"
    )]
    Memory {
        /// The component.
        component: String,
        /// The program.
        program: Name,
        /// What is written down.
        memory: Size,
    },
    /// No name of a variable.
    #[error("{0:?} is no name of a variable: it is empty, or has `=` or a NUL in it")]
    Variable(String),
}

impl ProgramError {
    /// The key of the entry that is wrong.
    fn key(&self) -> &'static str {
        match self {
            Self::Relative { .. } => "path",
            Self::Digest { .. } => "sha256",
            Self::Unknown { .. } => "program",
            Self::Pattern { .. } => "arguments",
            Self::Memory { .. } => "memory",
            Self::Variable(_) => "variables",
        }
    }
}

/// Entries that cannot be used, beside those whose paths, digests or names are wrong.
pub(crate) fn wrong(grants: &Grants) -> Vec<Wrong> {
    let programs = grants.programs.iter().filter_map(|(name, program)| {
        let error = names(program.variables.keys()).err()?;
        Some(Wrong::at(&["programs", name.as_str(), error.key()], error.to_string()))
    });
    let lines = grants.components.iter().flat_map(|(component, granted)| {
        granted.shell.iter().enumerate().filter_map(move |(line, grant)| {
            let error = Terms::check(component.clone(), line, grant).err()?;
            let line = line.to_string();
            Some(Wrong::at(
                &["components", component, "shell", &line, error.key()],
                error.to_string(),
            ))
        })
    });
    programs.chain(lines).collect()
}

/// Programs that this machine does not have, or that have another digest than is written down. They are looked at again
/// whenever they are to run, and no start fails for them.
pub(crate) fn absent(grants: &Grants) -> Vec<Wrong> {
    let absent = grants.programs.iter().filter_map(|(name, program)| {
        let (key, why) = runnable(program).err()?;
        let path = program.path.display();
        let said = format!("the program `{name}` cannot be run: {path}: {why}");
        Some(Wrong::at(&["programs", name.as_str(), key], said))
    });
    absent.collect()
}

/// Whether a program is a file that may be executed and has the digest that is written down; the key that is wrong, if not.
fn runnable(program: &Program) -> Result<(), (&'static str, String)> {
    let of_path = |why: String| ("path", why);
    let failed = |error: std::io::Error| ("path", error.to_string());
    let metadata = std::fs::metadata(&program.path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(of_path("it is no file".to_owned()));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(of_path("nobody may execute it".to_owned()));
    }
    let Some(wanted) = &program.sha256 else { return Ok(()) };
    let found = Digest::of(&std::fs::read(&program.path).map_err(failed)?);
    if wanted.parse() == Ok(found) {
        return Ok(());
    }
    Err(("sha256", format!("it has the digest {found}")))
}

impl Programs {
    pub(crate) fn check(grants: &Grants) -> Result<Self, ProgramError> {
        let mut programs = BTreeMap::new();
        for (name, program) in &grants.programs {
            let (name, path) = (name.clone(), program.path.clone());
            if path.is_relative() {
                return Err(ProgramError::Relative { name, path });
            }
            let Ok(digest) = program.sha256.as_deref().map(str::parse).transpose() else {
                return Err(ProgramError::Digest { name });
            };
            let variables = program.variables.clone();
            names(variables.keys())?;
            programs.insert(name, Known { path, digest, variables });
        }
        let mut components = BTreeMap::new();
        for (component, granted) in &grants.components {
            let mut all = Vec::new();
            for (line, grant) in granted.shell.iter().enumerate() {
                let (component, program) = (component.clone(), grant.program.clone());
                if !programs.contains_key(&program) {
                    return Err(ProgramError::Unknown { component, program });
                }
                all.push(Terms::check(component, line, grant)?);
            }
            components.insert(component.clone(), all);
        }
        Ok(Self { programs, components })
    }

    /// The program of this name and the terms on which this component may give it these arguments and set these variables:
    /// the first of its lines that allows both.
    pub(crate) fn find(
        &self,
        component: &str,
        program: &str,
        arguments: &[String],
        variables: &[(String, String)],
    ) -> Answer<(&Known, &Terms)> {
        let all = self.components.get(component).map_or(&[][..], Vec::as_slice);
        let granted = all.iter().filter(|terms| terms.program.as_str() == program);
        let mut granted = granted.peekable();
        let known = self.programs.get(program).filter(|_| granted.peek().is_some());
        let Some(known) = known else {
            return Err(Refusal::denied(format!(
                "the component `{component}` may not run a program `{program:.64}`: that takes \
                 [programs.NAME] with its path, and `{{ program = \"NAME\" }}` in `shell` of \
                 [components.{component}]"
            )));
        };
        let mut fit = granted.filter(|terms| terms.arguments.allow(arguments)).peekable();
        let Some(first) = fit.peek().copied() else {
            return Err(Refusal::denied(format!(
                "the component `{component}` may not give `{program}` these {} arguments: they fit \
                 no `arguments` of `{{ program = \"{program}\" }}` in `shell` of \
                 [components.{component}], where each pattern stands for one argument and `*` never \
                 for one that begins with `-`",
                arguments.len()
            )));
        };
        let other = |terms: &Terms| {
            let mut names = variables.iter().map(|(name, _)| name);
            names.find(|name| !terms.variables.contains(name))
        };
        if let Some(terms) = fit.find(|terms| other(terms).is_none()) {
            return Ok((known, terms));
        }
        let other: String =
            other(first).into_iter().flat_map(|name| name.chars()).take(64).collect();
        Err(Refusal::denied(format!(
            "the component `{component}` may not set the variable {other:?} of `{program}`: that takes its name in \
             `variables` of the program's line in `shell` of [components.{component}] that fits these arguments"
        )))
    }
}

impl Terms {
    fn check(component: String, line: usize, grant: &Grant) -> Result<Self, ProgramError> {
        let program = grant.program.clone();
        if let Some(memory) = grant.memory.filter(|memory| memory.bytes() < LEAST_MEMORY) {
            return Err(ProgramError::Memory { component, program, memory });
        }
        names(grant.variables.iter())?;
        let bytes = |size: Option<Size>, usual| size.map_or(usual, Size::bytes);
        match Patterns::parse(&grant.arguments) {
            Err(error) => Err(ProgramError::Pattern { component, program, error }),
            Ok(arguments) => Ok(Self {
                line,
                program,
                arguments,
                variables: grant.variables.clone(),
                within: grant.within.map(crate::grants::Time::duration),
                output: bytes(grant.output, OUTPUT),
                processes: grant.processes.unwrap_or(PROCESSES).min(1 << 20),
                memory: bytes(grant.memory, MEMORY),
                file: bytes(grant.file, FILE),
            }),
        }
    }
}

fn names<'n>(mut names: impl Iterator<Item = &'n String>) -> Result<(), ProgramError> {
    match names.find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        Some(name) => Err(ProgramError::Variable(name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these tables, if anything is.
    fn checked(text: &str) -> Result<Programs, String> {
        let grants = crate::grants::parse(text).map_err(|error| error.to_string())?;
        Programs::check(&grants).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_used_is_an_error_at_the_start() {
        let table = [
            ("path = 'bin/sh'", "", "absolute"),
            ("path = './sh'", "", "absolute"),
            ("path = '~/sh'", "", "absolute"),
            ("path = '/bin/sh'\nsha256 = 'abc'", "", "64"),
            ("path = '/bin/sh'\nvariables = { 'A=B' = 'x' }", "", "no name of a variable"),
            ("path = '/bin/sh'\nvariables = { '' = 'x' }", "", "no name of a variable"),
            ("path = '/bin/sh'", "variables = ['A\\u0000']", "no name of a variable"),
            ("path = '/bin/sh'", "arguments = ['**', 'a']", "last pattern"),
            ("path = '/bin/sh'", "arguments = ['a**']", "two stars"),
            ("path = '/bin/sh'", "memory = '255 MiB'", "256 MiB or more"),
        ];
        for (program, grant, expected) in table {
            let grant = grant.replace('\'', "\"");
            let comma = if grant.is_empty() { "" } else { ", " };
            let text = format!(
                "[programs.tool]\n{program}\n[components.own]\nshell = [{{ program = \"tool\"{comma}{grant} }}]"
            );
            let said = checked(&text).expect_err(&text);
            assert!(said.contains(expected), "{text}\n{said}");
        }
    }

    #[test]
    fn of_lines_that_fit_the_one_that_allows_the_variables_counts() {
        let programs = checked(
            "[programs.git]\npath = '/usr/bin/git'\n[components.a]\nshell = [\n\
             { program = 'git', arguments = ['log'], variables = ['A'], output = '1 KiB' },\n\
             { program = 'git', arguments = ['*'], variables = ['A', 'B'], output = '2 KiB' },\n]",
        )
        .expect("sound grants");
        for (argument, variables, expected) in [
            ("log", &[][..], Ok(1024)),
            ("log", &["A"], Ok(1024)),
            ("log", &["B"], Ok(2048)),
            ("log", &["A", "B"], Ok(2048)),
            ("push", &["A"], Ok(2048)),
            ("log", &["C"], Err("may not set the variable \"C\"")),
            ("-v", &["A"], Err("fit no `arguments` of")),
        ] {
            let set = |name: &&str| ((*name).to_owned(), String::new());
            let variables: Vec<_> = variables.iter().map(set).collect();
            let found = programs.find("a", "git", &[argument.to_owned()], &variables);
            match (found.map(|(_, terms)| terms.output), expected) {
                (Ok(output), Ok(expected)) => {
                    assert_eq!(output, expected, "{argument} {variables:?}");
                }
                (Err(refusal), Err(words)) => {
                    assert!(refusal.message.contains(words), "{}", refusal.message);
                }
                (found, _) => panic!("{argument} {variables:?}: {found:?}"),
            }
        }
        let long = "x".repeat(100_000);
        let refused = |program: &str, variables: &[(String, String)]| {
            programs.find("a", program, &["log".to_owned()], variables).expect_err("denied").message
        };
        for message in [refused(&long, &[]), refused("git", &[(long.clone(), String::new())])] {
            assert!(message.len() < 500, "{} bytes", message.len());
        }
    }

    #[test]
    fn a_component_has_its_own_programs_on_their_terms_and_no_others() {
        let programs = checked(
            "[programs.git]\npath = '/usr/bin/git'\n[programs.rm]\npath = '/bin/rm'\n\
             [components.a]\nshell = [\n\
             { program = 'git', arguments = ['log', '*'], output = '1 KiB' },\n\
             { program = 'git', arguments = ['status'], within = '2s' },\n]\n\
             [components.b]\nshell = [{ program = 'rm' }]",
        );
        let programs = programs.expect("sound grants");
        let find = |component: &str, program: &str, arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            let found = programs.find(component, program, &arguments, &[]);
            found.map(|(_, terms)| (terms.output, terms.within)).map_err(|refusal| refusal.message)
        };
        assert_eq!(find("a", "git", &["log", "main"]), Ok((1024, None)));
        // The first line that fits is the one that counts.
        assert_eq!(find("a", "git", &["status"]), Ok((OUTPUT, Some(Duration::from_secs(2)))));
        for (component, program, arguments, expected) in [
            ("a", "git", &["push"][..], "fit no `arguments` of"),
            ("a", "git", &["log", "--output=x"], "fit no `arguments` of"),
            ("a", "rm", &[], "may not run a program `rm`"),
            ("b", "git", &["status"], "may not run a program `git`"),
            ("c", "git", &["status"], "[components.c]"),
            ("a", "/usr/bin/git", &["status"], "may not run a program"),
        ] {
            let said = find(component, program, arguments).expect_err(program);
            assert!(said.contains(expected), "{component} {program}: {said}");
        }
    }
}
