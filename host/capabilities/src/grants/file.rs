//! Text → [`Grants`].

use super::Grants;

/// Why a file of grants cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantsError {
    /// It does not say what grants say.
    #[error("the grants cannot be read: {0}")]
    Malformed(String),
}

/// Reads grants.
///
/// ```
/// let grants = capabilities::grants::parse("[roots.notes]\npath = '/srv/notes'").unwrap();
/// assert_eq!(grants.roots.len(), 1);
/// assert!(capabilities::grants::parse("[rots.notes]\npath = '/srv/notes'").is_err());
/// ```
pub fn parse(text: &str) -> Result<Grants, GrantsError> {
    toml::from_str(text).map_err(|error| GrantsError::Malformed(error.to_string()))
}
