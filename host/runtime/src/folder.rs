//! A file → the bytes of a component, for whoever looks at one.

use std::path::Path;

use crate::component::LoadError;
use crate::placement::{self, DecodeError};

/// The bytes of a component's file. One that is larger than any component may be is refused before it is read.
pub async fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        reason: format!("{error}; name a component, a .wasm file"),
    };
    let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
    if size > placement::LARGEST as u64 {
        let error = DecodeError::TooMuch { what: "bytes", limit: placement::LARGEST };
        return Err(LoadError::Decode { component: name(path), error });
    }
    tokio::fs::read(path).await.map_err(unreadable)
}

/// What a component of this file is called: the file's name without its ending.
pub fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
