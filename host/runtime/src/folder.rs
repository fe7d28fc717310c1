//! A folder of `.wasm` files → a generation. A file that cannot be used does not keep the others from it.

use std::path::{Path, PathBuf};

use crate::component::{Component, LoadError};
use crate::engine::Runtime;
use crate::generation::Generation;

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
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        progress(&name);
        let component = match tokio::fs::read(&path).await {
            Ok(bytes) => Component::load(runtime, &name, bytes).await,
            Err(error) => Err(unreadable(&path, &error)),
        };
        if let Err(error) = component.and_then(|component| generation.add(component)) {
            refused.push(error);
        }
    }
    Ok(Loaded { generation, refused })
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

fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
    LoadError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}
