//! Asking registries: what a reference means now, and the bytes of a component.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use oci_client::Client;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use protocol::digest::Digest;
use tokio::io::AsyncWrite;

use super::OciOptions;
use super::manifest::{self, Layer};
use super::reference::{ComponentReference, is_loopback};
use crate::source::SourceError;

/// A registry that says nothing for this long is away.
const SILENCE: Duration = Duration::from_secs(15);

/// Connecting takes at most this long.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks the registries of all references. Clones share connections and tokens.
#[derive(Clone)]
pub(crate) struct Fetcher(Arc<Shared>);

struct Shared {
    /// Replaced when a registry takes its token back.
    client: RwLock<Client>,
    options: OciOptions,
    /// Whose repositories components are fetched from. They change where a release is followed.
    references: RwLock<Vec<ComponentReference>>,
}

/// What a reference means at a moment.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    /// The digest of its manifest.
    pub(super) manifest: String,
    pub(super) component: Result<Digest, String>,
    /// The bytes, unless they were known already.
    pub(super) bytes: Option<Arc<[u8]>>,
}

/// Why nobody could say what a reference means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Away(pub(super) String);

impl Fetcher {
    pub(super) fn new(options: OciOptions) -> Self {
        // Whoever was first; a program has one provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = RwLock::new(client(&options, &options.references));
        let references = RwLock::new(options.references.clone());
        Self(Arc::new(Shared { client, options, references }))
    }

    /// Fetches from these repositories from now on.
    pub(super) fn take_from(&self, references: Vec<ComponentReference>) {
        let anew = client(&self.0.options, &references);
        *self.0.client.write().unwrap_or_else(PoisonError::into_inner) = anew;
        *self.0.references.write().unwrap_or_else(PoisonError::into_inner) = references;
    }

    fn references(&self) -> Vec<ComponentReference> {
        self.0.references.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a reference means now. `known` is the manifest that is known, and the component that it led to.
    pub(super) async fn resolve(
        &self,
        reference: &ComponentReference,
        known: Option<(&str, Option<&Digest>)>,
    ) -> Result<Option<Resolved>, Away> {
        let limit = self.0.options.limit;
        let asked = tokio::time::timeout(limit, self.ask(reference, known)).await;
        asked.unwrap_or_else(|_| Err(Away(format!("no answer within {limit:?}"))))
    }

    async fn ask(
        &self,
        reference: &ComponentReference,
        known: Option<(&str, Option<&Digest>)>,
    ) -> Result<Option<Resolved>, Away> {
        let place = reference.reference();
        let login = self.login(reference);
        let client = self.client();
        let manifest = client.fetch_manifest_digest(place, &login).await;
        let manifest = manifest.map_err(|error| self.away(&error))?;
        if known.is_some_and(|(known, _)| known == manifest) {
            return Ok(None);
        }
        let exactly = place.clone_with_digest(manifest.clone());
        let found = client.pull_image_manifest(&exactly, &login).await;
        let component = match found {
            Ok((found, _)) => manifest::component(found, self.0.options.largest),
            Err(error) if is_unfit(&error) => Err(error.to_string()),
            Err(error) => return Err(self.away(&error)),
        };
        let Layer { descriptor, digest } = match component {
            Ok(layer) => layer,
            Err(reason) => {
                return Ok(Some(Resolved { manifest, component: Err(reason), bytes: None }));
            }
        };
        let mut bytes = None;
        if known.and_then(|(_, component)| component) != Some(&digest) {
            let pulled = self.pull(reference, &descriptor, &digest).await;
            bytes = Some(pulled.map_err(|error| self.away(&error))?);
        }
        Ok(Some(Resolved { manifest, component: Ok(digest), bytes }))
    }

    /// A component by its digest, from any of the repositories. Fails when none has it, but one could not say so.
    pub(crate) async fn fetch(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, SourceError> {
        let options = &self.0.options;
        let descriptor =
            OciDescriptor { digest: format!("sha256:{digest}"), ..OciDescriptor::default() };
        let mut asked = Vec::new();
        let mut fault = None;
        for reference in &self.references() {
            let place = (reference.registry(), reference.reference().repository());
            if asked.contains(&place) {
                continue;
            }
            asked.push(place);
            let pull = self.pull(reference, &descriptor, digest);
            let reason = match tokio::time::timeout(options.limit, pull).await {
                Ok(Ok(bytes)) => return Ok(Some(bytes)),
                Ok(Err(error)) if is_unknown(&error) => continue,
                Ok(Err(error)) => self.away(&error).0,
                Err(_) => format!("no answer within {:?}", options.limit),
            };
            fault = Some(format!("{}/{}: {reason}", place.0, place.1));
        }
        match fault {
            None => Ok(None),
            Some(reason) => Err(SourceError::Registry { digest: *digest, reason }),
        }
    }

    async fn pull(
        &self,
        reference: &ComponentReference,
        descriptor: &OciDescriptor,
        digest: &Digest,
    ) -> Result<Arc<[u8]>, OciDistributionError> {
        let client = self.client();
        client.store_auth_if_needed(reference.registry(), &self.login(reference)).await;
        let mut bytes = Bounded { bytes: Vec::new(), largest: self.0.options.largest };
        client.pull_blob(reference.reference(), descriptor, &mut bytes).await?;
        // The client has compared digests; nothing that runs here rests on another crate's word.
        if Digest::of(&bytes.bytes) != *digest {
            return Err(io::Error::other("it sent other bytes than asked for").into());
        }
        Ok(bytes.bytes.into())
    }

    fn client(&self) -> Client {
        self.0.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn login(&self, reference: &ComponentReference) -> oci_client::secrets::RegistryAuth {
        self.0.options.credentials.of(reference.registry())
    }

    /// An error as words. A refused token is not used again.
    fn away(&self, error: &OciDistributionError) -> Away {
        if let OciDistributionError::UnauthorizedError { url } = error {
            let fresh = client(&self.0.options, &self.references());
            *self.0.client.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            return Away(format!(
                "it wants a login for {url}, or another one; `docker login` writes them to a config.json that can be given here"
            ));
        }
        Away(words(error))
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fetcher").field(&self.0.options).finish()
    }
}

fn client(options: &OciOptions, references: &[ComponentReference]) -> Client {
    let registries = references.iter().map(ComponentReference::registry);
    let plain = registries.filter(|registry| {
        is_loopback(registry) || options.plain_http.iter().any(|plain| plain == registry)
    });
    Client::new(ClientConfig {
        protocol: ClientProtocol::HttpsExcept(plain.map(str::to_owned).collect()),
        platform_resolver: Some(Box::new(manifest::of_index)),
        read_timeout: Some(SILENCE),
        connect_timeout: Some(CONNECT),
        user_agent: concat!("system-bus/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    })
}

/// Whether a registry says that it has no such thing.
fn is_unknown(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| {
                matches!(
                    error.code,
                    OciErrorCode::BlobUnknown
                        | OciErrorCode::ManifestUnknown
                        | OciErrorCode::NameUnknown
                        | OciErrorCode::NotFound
                )
            })
        }
        _ => false,
    }
}

/// Whether a manifest was read, and is none that can be used: asking again does not help.
fn is_unfit(error: &OciDistributionError) -> bool {
    matches!(
        error,
        OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ManifestParsingError(_)
            | OciDistributionError::UnsupportedMediaTypeError(_)
            | OciDistributionError::UnsupportedSchemaVersionError(_)
            | OciDistributionError::VersionedParsingError(_)
    )
}

/// The whole story: the outermost error of an HTTP client says little.
fn words(error: &OciDistributionError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        cause = inner.source();
    }
    words.chars().take(1_000).collect()
}

/// Collects bytes up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    largest: u64,
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.bytes.len() as u64 + bytes.len() as u64 > self.largest {
            let largest = self.largest;
            return Poll::Ready(Err(io::Error::other(format!(
                "it sent more than the {largest} bytes that components may have"
            ))));
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
