//! The way to the API server.

use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(5);

/// A client, and where we are.
#[derive(Clone)]
pub struct Reached {
    /// Asks the API server. Tokens are read again when their files change.
    pub client: Client,
    /// The namespace of the context, or of the pod that we run in.
    pub namespace: String,
}

/// There is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Nothing says where it is.
    #[error(
        "nothing says where the cluster is: {0}; in a pod mount the service account's token, elsewhere set KUBECONFIG"
    )]
    Nowhere(#[source] kube::config::InferConfigError),
    /// A context that is named cannot be used.
    #[error("the context {context:?} cannot be used: {source}; see `kubectl config get-contexts`")]
    Context {
        /// Which one.
        context: String,
        /// Why.
        source: kube::config::KubeconfigError,
    },
    /// No client can be made of what is said.
    #[error("no client can be made for the cluster: {0}")]
    Client(#[source] kube::Error),
}

/// Finds the API server: by `KUBECONFIG`, by the usual file of it, or from inside of a pod. `context` names one of several.
/// Asks nobody yet.
///
/// # Errors
/// Where nothing says where the cluster is, or what does cannot be used.
pub async fn reach(context: Option<&str>) -> Result<Reached, ReachError> {
    // One TLS provider for the whole program; a second installation changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut config = match context {
        None => Config::infer().await.map_err(ReachError::Nowhere)?,
        Some(context) => {
            let fault = |source| ReachError::Context { context: context.to_owned(), source };
            let file = Kubeconfig::read().map_err(fault)?;
            let options =
                KubeConfigOptions { context: Some(context.to_owned()), ..Default::default() };
            Config::from_custom_kubeconfig(file, &options).await.map_err(fault)?
        }
    };
    config.connect_timeout = Some(CONNECT);
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(ReachError::Client)?;
    Ok(Reached { client, namespace })
}
