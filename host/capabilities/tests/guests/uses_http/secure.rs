//! Servers with a certificate, whose authority this machine trusts or does not.

use std::path::PathBuf;
use std::process::Command;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// Where the system's verifier looks for authorities, if this is set.
const AUTHORITIES: &str = "SSL_CERT_FILE";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guests/uses_http/tls").join(name)
}

/// A server with the certificate of `secure.test`, which no authority but our own has signed.
async fn secure() -> Server {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(file("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    Server::with(Some(TlsAcceptor::from(Arc::new(config)))).await
}

/// What a request to `host` at a secure server leads to.
async fn asked(host: &str) -> String {
    let server = secure().await;
    let url = format!("https://{host}:{}", server.address.port());
    let site = site(&format!("{{ to = '{url}', private = true, within = '20s' }}")).await;
    site.run("error", get(url)).await
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    assert_eq!(asked("secure.test").await, "done \"Tls\"");
}

/// Runs itself again in a process that trusts our authority.
#[tokio::test]
async fn a_certificate_counts_for_its_name_and_no_other() {
    let authority = file("authority.pem");
    if std::env::var_os(AUTHORITIES).is_some_and(|own| own == authority.as_os_str()) {
        assert_eq!(asked("secure.test").await, "done \"200 2 ok\"");
        assert_eq!(asked("other.test").await, "done \"Tls\"");
        return;
    }
    let this = "uses_http::secure::a_certificate_counts_for_its_name_and_no_other";
    let ended = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", this])
        .env(AUTHORITIES, authority)
        .output()
        .expect("the same program");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_server_without_tls_is_no_secure_one() {
    let server = Server::start().await;
    let url = format!("https://{}", server.address);
    let site = site(&format!("{{ to = '{url}', private = true, within = '5s' }}")).await;
    assert_eq!(site.run("error", get(url)).await, "done \"Tls\"");
}
