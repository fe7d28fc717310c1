//! A connection to an address that was looked at.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::Host;
use wasmtime_wasi_http::Error;

use super::address::Reach;
use super::failure;
use super::resolve::Resolver;
use super::target::{Origin, Scheme};

/// How many addresses of a name are tried.
const TRIED: usize = 8;

/// The bytes of a connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
pub(crate) struct Connector {
    resolver: Arc<dyn Resolver>,
    /// Made with the first secure connection: it reads the machine's certificates.
    tls: OnceLock<Result<Arc<rustls::ClientConfig>, String>>,
}

impl Connector {
    pub(crate) fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, tls: OnceLock::new() }
    }

    /// Connects to a server: to one of its addresses that is open to this grant, or to none. The name is looked up here and
    /// nowhere else.
    pub(crate) async fn connect(
        &self,
        origin: &Origin,
        private: bool,
        until: Instant,
    ) -> Result<Box<dyn Stream>, Error> {
        let addresses = match &origin.host {
            Host::Ipv4(address) => vec![IpAddr::from(*address)],
            Host::Ipv6(address) => vec![IpAddr::from(*address)],
            Host::Domain(name) => self.look_up(name, until).await?,
        };
        let open: Vec<_> =
            addresses.into_iter().filter(|a| Reach::of(*a).is_open(private)).take(TRIED).collect();
        let stream = dial(&open, origin.port, until).await?;
        // Requests are small and wanted now. A connection without this is slower and no worse.
        let _ = stream.set_nodelay(true);
        match origin.scheme {
            Scheme::Http => Ok(Box::new(stream)),
            Scheme::Https => self.secure(&origin.host, stream, until).await,
        }
    }

    async fn look_up(&self, name: &str, until: Instant) -> Result<Vec<IpAddr>, Error> {
        let unknown =
            |rcode: &str| Error::DnsError { rcode: Some(rcode.to_owned()), info_code: None };
        match timeout_at(until, self.resolver.resolve(name)).await {
            Err(_) => Err(Error::DnsTimeout),
            Ok(Ok(addresses)) if addresses.is_empty() => Err(unknown("no address")),
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => {
                tracing::debug!(name, %error, "a name could not be looked up");
                Err(unknown("the look-up failed"))
            }
        }
    }

    async fn secure(
        &self,
        host: &Host<String>,
        stream: TcpStream,
        until: Instant,
    ) -> Result<Box<dyn Stream>, Error> {
        let config = self.tls.get_or_init(config).as_ref().map_err(|error| {
            tracing::error!(error, "no secure connection can be made");
            Error::ConfigurationError
        })?;
        let name = match host {
            Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| Error::TlsCertificateError)?
            }
        };
        let connector = TlsConnector::from(Arc::clone(config));
        match timeout_at(until, connector.connect(name, stream)).await {
            Err(_) => Err(Error::ConnectionTimeout),
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%host, %error, "no secure channel");
                Err(failure::of_tls(&error))
            }
        }
    }
}

/// Tries addresses one after the other; each gets its share of the time that is left.
async fn dial(open: &[IpAddr], port: u16, until: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::DestinationIpProhibited;
    for (tried, address) in open.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(open.len() - tried).unwrap_or(u32::MAX);
        let share = Instant::now() + share.max(Duration::from_millis(1));
        match timeout_at(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                tracing::debug!(%address, port, %error, "no connection");
                last = failure::of_connecting(&error);
            }
            Err(_) => last = Error::ConnectionTimeout,
        }
    }
    Err(last)
}

/// Trusts whom this machine trusts. Nothing is resumed: a ticket of one component would tell a server who another one is.
fn config() -> Result<Arc<rustls::ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("the machine's certificates cannot be used: {error}"))?
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
