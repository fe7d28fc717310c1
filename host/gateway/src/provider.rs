//! A provider: who sends, how it signs, and what its deliveries become. All of it is data; what data cannot say, a function
//! says that listens to the provider's events.

mod builtin;
mod problem;
mod written;

use std::collections::BTreeMap;
use std::path::Path as FilePath;

pub use self::builtin::BUILT_IN;
pub use self::problem::ProviderError;
use self::written::Written;
use crate::handshake::Handshake;
use crate::secrets::Secrets;
use crate::shape::Rule;
use crate::verify::Check;

/// The most providers.
pub const MOST: usize = 200;

/// Who sends, how it signs, and what its deliveries become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name, which is the last part of its address: small letters, digits and `-`.
    pub name: String,
    /// What its events' names begin with, before a `/`; nothing where they have names of their own.
    pub prefix: String,
    /// How it signs.
    pub trust: Trust,
    /// What its deliveries become.
    pub rules: Vec<Rule>,
    /// What it asks before it sends anything.
    pub handshakes: Vec<Handshake>,
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Who signs in one of these ways.
    Signed(Vec<Check>),
    /// Everybody: the file says `insecure_none = true`.
    Everybody,
}

impl Provider {
    /// Reads the file of a provider.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProviderError> {
        let fault = |problem: String| ProviderError::new(name, problem);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(fault(
                "a provider's name, which is that of its file, has small letters, digits and -"
                    .to_owned(),
            ));
        }
        let written: Written = toml::from_str(text).map_err(|error| fault(error.to_string()))?;
        written.provider(name).map_err(fault)
    }

    /// The names of all secrets that it uses, each once.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let checks = match &self.trust {
            Trust::Signed(checks) => checks.as_slice(),
            Trust::Everybody => &[],
        };
        let checked = checks.iter().flat_map(|check| &check.secrets);
        let asked = self.handshakes.iter().flat_map(|handshake| match handshake {
            Handshake::Hub { secrets } => secrets.as_slice(),
            Handshake::Echo { .. } | Handshake::Crc { .. } => &[],
        });
        let mut names: Vec<&str> = Vec::new();
        for name in checked.chain(asked) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.into_iter()
    }

    /// Whether it can verify anything now, or need not.
    pub fn is_ready(&self, secrets: &dyn Secrets) -> bool {
        match &self.trust {
            Trust::Signed(checks) => checks.iter().any(|check| !check.keys(secrets).is_empty()),
            Trust::Everybody => true,
        }
    }
}

/// All providers, by name.
#[derive(Debug, Clone, Default)]
pub struct Providers(BTreeMap<String, Provider>);

impl Providers {
    /// Those that come with this program.
    pub fn built_in() -> Self {
        let parsed = BUILT_IN.iter().map(|(name, text)| {
            let provider = Provider::parse(name, text).expect("tested");
            ((*name).to_owned(), provider)
        });
        Self(parsed.collect())
    }

    /// Those that come with this program, and those of a folder: each `NAME.toml` is one, and takes the place of one of
    /// the same name. Everything that is wrong is told at once.
    pub fn with_folder(folder: &FilePath) -> Result<Self, Vec<ProviderError>> {
        let mut providers = Self::built_in();
        let unreadable =
            |error: std::io::Error| vec![ProviderError::new(&folder.display().to_string(), error)];
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                files.push(path);
            }
        }
        files.sort();
        let mut problems = Vec::new();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let read = std::fs::read_to_string(&file)
                .map_err(|error| ProviderError::new(&file.display().to_string(), error));
            match read.and_then(|text| Provider::parse(&name, &text)) {
                Ok(provider) => drop(providers.0.insert(name, provider)),
                Err(error) => problems.push(error),
            }
        }
        if providers.0.len() > MOST {
            problems.push(ProviderError::new(
                &folder.display().to_string(),
                format!("{} providers are more than {MOST}", providers.0.len()),
            ));
        }
        if problems.is_empty() { Ok(providers) } else { Err(problems) }
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests;
