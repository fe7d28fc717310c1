//! A folder of `.wasm` files → a generation. A file that cannot be used does not keep the others from it.

use std::path::{Path, PathBuf};

use crate::component::{Component, LoadError};
use crate::engine::Runtime;
use crate::generation::Generation;
use crate::placement::{self, DecodeError};

/// What a folder held.
#[derive(Debug)]
pub struct Loaded {
    /// The components that can be used.
    pub generation: Generation,
    /// Why the others cannot.
    pub refused: Vec<LoadError>,
}

/// Loads every `.wasm` file of a folder, in the order of their names.
///
/// `progress` is told the name of each component before it is compiled.
pub async fn load(
    runtime: &Runtime,
    folder: &Path,
    progress: impl Fn(&str),
) -> Result<Loaded, LoadError> {
    let mut generation = Generation::default();
    let mut refused = Vec::new();
    for path in wasm_files(folder).await? {
        let name = name(&path);
        progress(&name);
        let component = match read(&path).await {
            Ok(bytes) => Component::load(runtime, &name, bytes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = component.and_then(|component| generation.add(component)) {
            refused.push(error);
        }
    }
    Ok(Loaded { generation, refused })
}

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

async fn wasm_files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let fault = |error: std::io::Error| LoadError::Unreadable {
        path: folder.display().to_string(),
        reason: format!(
            "{error}; name a folder of built components, such as target/functions after `system-bus build`"
        ),
    };
    let mut entries = tokio::fs::read_dir(folder).await.map_err(fault)?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(fault)? {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
