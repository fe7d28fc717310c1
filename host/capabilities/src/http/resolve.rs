//! Names → addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Looks names up.
///
/// Asked once for each connection; what it answers is judged, and the connection is made to what was judged. So nothing is
/// gained by answering otherwise the next time.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a name, best first. An error says that there are none, or that nobody could be asked.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the system, as every other program of this machine does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
