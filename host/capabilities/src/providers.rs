//! Grants → what stands behind the imports of components, all of it together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runtime::Provider;

use crate::grants::Grants;
use crate::secrets::Vault;
use crate::shell::Launcher;
use crate::{config, fs, gateway, http, inference, keyvalue, redis, secrets, shell, telemetry};

/// How long the scratch folder of a run stays that nobody has touched: longer than runs last.
const SCRATCH: Duration = Duration::from_hours(24 * 30);

/// What the providers get of the machine, beside what the grants say.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where the folders of runs are made. Workers of one machine may share it.
    pub scratch: PathBuf,
    /// The worker's own folder, for values by key.
    pub folder: PathBuf,
    /// What starts programs.
    pub launcher: Launcher,
    /// What the records of components say of this process.
    pub origin: telemetry::Origin,
}

/// Why there are no providers.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// A folder that the grants name cannot be used.
    #[error(transparent)]
    Roots(#[from] fs::OpenError),
    /// A secret that the grants name cannot be had.
    #[error(transparent)]
    Secrets(#[from] secrets::VaultError),
    /// The Redis server that the grants name cannot be used.
    #[error(transparent)]
    Redis(#[from] redis::ServerError),
    /// A program that the grants name cannot be run.
    #[error(transparent)]
    Programs(#[from] shell::ProgramError),
    /// Values by key cannot be kept where the grants say.
    #[error(transparent)]
    Keyvalue(#[from] keyvalue::SetupError),
    /// The models that the grants name cannot be asked.
    #[error(transparent)]
    Inference(#[from] inference::SetupError),
}

/// One provider for each capability that this worker has. Blocks while folders are opened and looked through, and while
/// secrets are read.
pub fn providers(
    grants: &Arc<Grants>,
    surroundings: &Surroundings,
) -> Result<Vec<Arc<dyn Provider>>, ProvidersError> {
    let roots = Arc::new(fs::Roots::open(grants, &surroundings.scratch, SCRATCH)?);
    let vault = Vault::open(grants)?;
    let server = grants.redis.as_ref().map(redis::Shared::new).transpose()?.map(Arc::new);
    let models = inference::Provider::new(
        Arc::clone(grants),
        inference::Environment::of_this_process(),
        lookup(&vault),
    )?;
    let launcher = surroundings.launcher.clone();
    let mut providers: Vec<Arc<dyn Provider>> = vec![
        Arc::new(config::Provider::new(Arc::clone(grants))),
        Arc::new(fs::Provider::new(Arc::clone(&roots))),
        Arc::new(gateway::Provider::new(&grants.gateway, server.clone())),
        Arc::new(http::Provider::new(Arc::clone(grants), Arc::clone(&vault))),
        Arc::new(models),
        Arc::new(redis::Provider::new(Arc::clone(grants), server.clone())),
        Arc::new(secrets::Provider::new(Arc::clone(&vault))),
        Arc::new(shell::Provider::new(grants, roots, vault, launcher)?),
        Arc::new(telemetry::Provider::new(surroundings.origin.clone())),
    ];
    // A worker without such grants makes no file.
    if grants.components.values().any(|grant| grant.keyvalue.is_some()) {
        let values = keyvalue::Provider::new(Arc::clone(grants), &surroundings.folder, server)?;
        providers.push(Arc::new(values));
    }
    Ok(providers)
}

/// The secrets that models are asked with. They are the worker's own, and no component has a part in it.
fn lookup(vault: &Arc<Vault>) -> inference::Lookup {
    let vault = Arc::clone(vault);
    Arc::new(move |name| String::from_utf8(vault.value(name)?.bytes().to_vec()).ok())
}
