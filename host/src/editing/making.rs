//! One build: cargo's output told as it comes, and the components it made.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use builder::{BuildError, Finding, Order, Others, Placed, Profile, Ready, Said, Stop, Which};

use super::projects::Projects;
use super::turns::Work;

/// How a build is made.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    /// Quickly, or for use.
    pub(crate) profile: Profile,
    /// Leave in what debuggers read.
    pub(crate) debug: bool,
    /// Findings are shown with colours.
    pub(crate) colours: bool,
}

/// What a build has made.
#[derive(Debug)]
pub(crate) struct Made {
    /// The projects, read anew where they had to be.
    pub(crate) projects: Projects,
    /// The components.
    pub(crate) ready: Vec<Ready>,
    /// Whether these are all there are, so that whatever else was built before has no source any more.
    pub(crate) others: Others,
    /// How long it took, reading the projects included.
    pub(crate) took: Duration,
    /// What the compiler warns of.
    pub(crate) warnings: Vec<Finding>,
}

impl Made {
    /// Puts the components into a folder.
    pub(crate) fn place(&self, folder: &std::path::Path) -> Result<Vec<Placed>, BuildError> {
        builder::place(&self.ready, folder, self.others)
    }
}

/// Why nothing was made.
#[derive(Debug)]
pub(crate) enum Unmade {
    /// The compiler refuses the code, with these errors; where it has none, cargo says why.
    Refused { findings: Vec<Finding>, said: String },
    /// It was ended, since more was saved.
    Stopped,
    /// There is nothing that could be built.
    Failed(anyhow::Error),
}

/// Does some work. Blocks until it is done, or was ended through `stop`. `tell` hears what cargo says.
pub(crate) fn make(
    making: &Making,
    projects: Projects,
    work: &Work,
    stop: &Stop,
    mut tell: impl FnMut(&Said),
) -> Result<Made, Unmade> {
    let began = Instant::now();
    let mut projects = if work.shape { projects.read().map_err(Unmade::Failed)? } else { projects };
    let mut warnings = Vec::new();
    let mut made: Vec<PathBuf> = Vec::new();
    for meant in projects.each() {
        let wanted: BTreeSet<_> = if work.shape {
            meant.components.clone()
        } else {
            meant.components.intersection(&work.components).cloned().collect()
        };
        if wanted.is_empty() {
            continue;
        }
        let order = Order {
            project: &meant.project,
            packages: wanted.into_iter().collect(),
            which: Which::Functions,
            profile: making.profile,
            colours: making.colours,
        };
        let compiled = builder::compile(&order, stop, |said| {
            tell(said);
            if let Said::Finding(finding) = said
                && !finding.error
            {
                warnings.push(finding.clone());
            }
        })?;
        compiled.components.iter().for_each(|component| meant.made_of(component));
        made.extend(compiled.components);
    }
    let ready =
        made.iter().map(|file| Ready::read(file, making.debug)).collect::<Result<_, _>>()?;
    let others = if work.shape { Others::Remove } else { Others::Keep };
    Ok(Made { projects, ready, others, took: began.elapsed(), warnings })
}

impl From<BuildError> for Unmade {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Failed { findings, said, .. } => Self::Refused { findings, said },
            BuildError::Stopped => Self::Stopped,
            error => Self::Failed(error.into()),
        }
    }
}

impl Unmade {
    /// The whole of it as one error, for commands that end with it.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Refused { findings, said } if findings.is_empty() => {
                anyhow::anyhow!("cargo could not build the components:\n{said}")
            }
            Self::Refused { findings, .. } => {
                let rendered: Vec<_> = findings.into_iter().map(|one| one.rendered).collect();
                let errors = if rendered.len() == 1 { "error" } else { "errors" };
                anyhow::anyhow!(
                    "the components do not compile, with {} {errors}:\n\n{}",
                    rendered.len(),
                    rendered.join("\n\n")
                )
            }
            Self::Stopped => anyhow::anyhow!("the build was ended before it was done"),
            Self::Failed(error) => error,
        }
    }
}
