//! What is wrong with the file of a provider.

use std::fmt;

/// What is wrong with the file of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    provider: String,
    problem: String,
}

impl ProviderError {
    pub(super) fn new(provider: &str, problem: impl fmt::Display) -> Self {
        Self { provider: provider.to_owned(), problem: problem.to_string() }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the webhook provider {}: {}", self.provider, self.problem.trim_end())
    }
}

impl std::error::Error for ProviderError {}
