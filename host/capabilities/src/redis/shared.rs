//! The server, shared by all calls: one connection, made when it is first needed and again when it is lost.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult,
    Script, TlsCertificates,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::failure::{self, Next};
use super::grant::Server;
use crate::grants::{Grants, Wrong};
use crate::refusal::{Answer, Refusal};

/// How long a command may take unless the operator says otherwise.
const WITHIN: Duration = Duration::from_secs(2);

/// How long a command waits before it asks again for a connection that was refused.
const PAUSE: Duration = Duration::from_millis(50);

/// The operator's Redis server.
///
/// Nothing is connected until the first command, so a worker starts while the server is down. One connection carries the
/// commands of all calls. It is replaced when it breaks, and when a command on it got no answer in time.
pub struct Shared {
    client: Client,
    address: String,
    within: Duration,
    connection: Mutex<Connection>,
    pub(super) bounded: Script,
    pub(super) transact: Script,
}

/// The present connection. `number` counts them, so that of many commands that fail on one, the first replaces it.
#[derive(Default)]
struct Connection {
    number: u64,
    manager: Option<ConnectionManager>,
}

/// Why `[redis]` of the grants cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is none.
    #[error(
        "`url` of `[redis]` is no address of a Redis server ({0}): write one such as redis://127.0.0.1:6379"
    )]
    Url(String),
    /// The address has a password.
    #[error(
        "`url` of `[redis]` holds a password: put it into a variable of the worker's environment and name that one with \
         `password_env`"
    )]
    Password,
    /// The address asks for certificates not to be looked at.
    #[error(
        "`url` of `[redis]` ends with `#insecure`: take that away, and name the certificates to trust with `ca`"
    )]
    Insecure,
    /// The variable of the password is not set.
    #[error(
        "the variable {0} is not set, and `password_env` of `[redis]` names it: set it, or take the key away"
    )]
    NoPassword(String),
    /// The file of certificates cannot be used.
    #[error("`ca` of `[redis]`, {file}, cannot be used: {problem}")]
    Certificates {
        /// Which file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server is there, and shows a certificate that is not to be trusted.
    #[error(
        "the Redis server at {address} is not who `url` of `[redis]` says ({problem}): name it as its certificate does, \
         and let `ca` be the file with the certificates that sign it"
    )]
    Untrusted {
        /// Where it is.
        address: String,
        /// What is wrong with its certificate.
        problem: String,
    },
}

/// What is wrong with `[redis]` wherever it is read.
pub(crate) fn wrong(grants: &Grants) -> Vec<Wrong> {
    let wrong =
        |server: &Server| Some(Wrong::at(&["redis", "url"], address(server).err()?.to_string()));
    grants.redis.as_ref().and_then(wrong).into_iter().collect()
}

/// What `[redis]` names and this machine does not have. Nothing is connected.
pub(crate) fn absent(grants: &Grants) -> Vec<Wrong> {
    let Some(server) = &grants.redis else { return Vec::new() };
    let password = password(server)
        .err()
        .map(|error| Wrong::at(&["redis", "password_env"], error.to_string()));
    let ca = server.ca.as_deref().and_then(|file| certificates(file).err());
    let ca = ca.map(|error| Wrong::at(&["redis", "ca"], error.to_string()));
    password.into_iter().chain(ca).collect()
}

fn wrong_url(error: &redis::RedisError) -> ServerError {
    ServerError::Url(error.category().to_owned())
}

/// The address, which holds neither a password nor less care than there should be.
fn address(server: &Server) -> Result<ConnectionInfo, ServerError> {
    let info = server.url.as_str().into_connection_info().map_err(|error| wrong_url(&error))?;
    if info.redis_settings().password().is_some() {
        return Err(ServerError::Password);
    }
    if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
        return Err(ServerError::Insecure);
    }
    Ok(info)
}

fn password(server: &Server) -> Result<Option<String>, ServerError> {
    let Some(name) = &server.password_env else { return Ok(None) };
    std::env::var(name).map(Some).map_err(|_| ServerError::NoPassword(name.clone()))
}

fn certificates(file: &Path) -> Result<Vec<u8>, ServerError> {
    let wrong = |problem| unusable(file, problem);
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    if CertificateDer::pem_slice_iter(&pem).flatten().next().is_none() {
        return Err(wrong("it holds no certificates in the form of PEM".to_owned()));
    }
    Ok(pem)
}

fn unusable(file: &Path, problem: String) -> ServerError {
    ServerError::Certificates { file: file.display().to_string(), problem }
}

impl Shared {
    /// The server that `[redis]` describes. Reads the password from this process's environment and the certificates from
    /// their file.
    ///
    /// With TLS (`rediss://…`) it greets the server once, and blocks for that, since a wrong name or a wrong `ca` gets no
    /// better by waiting. That the server is down or says something else is no error here: it may come later. Without TLS
    /// nothing is connected.
    pub fn new(server: &Server) -> Result<Self, ServerError> {
        let info = address(server)?;
        // With this version of the protocol the server's going away is noticed at once, not at the next command.
        let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(password) = password(server)? {
            settings = settings.set_password(password);
        }
        let address = info.addr().to_string();
        let tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        let info = info.set_redis_settings(settings);
        let client = match &server.ca {
            None => Client::open(info).map_err(|error| wrong_url(&error))?,
            Some(file) => {
                let root_cert = Some(certificates(file)?);
                let trusted = TlsCertificates { client_tls: None, root_cert };
                Client::build_with_tls(info, trusted)
                    .map_err(|error| unusable(file, error.to_string()))?
            }
        };
        let within = server.within.map_or(WITHIN, crate::grants::Time::duration);
        if tls {
            let greeted = client.get_connection_with_timeout(within).map(drop);
            if let Some(problem) = greeted.err().and_then(|error| failure::untrusted(&error)) {
                return Err(ServerError::Untrusted { address, problem });
            }
        }
        Ok(Self {
            client,
            address,
            within,
            connection: Mutex::default(),
            bounded: Script::new(include_str!("bounded.lua")),
            transact: Script::new(include_str!("transact.lua")),
        })
    }

    /// Runs a command and waits for the answer, at most as long as `[redis]` says and as the call has `left`.
    ///
    /// `command` is called again while it certainly did not reach the server: while connections are refused, or the
    /// server is still reading its data. It is never called again after it may have been carried out.
    pub(crate) async fn ask<T, C, F>(&self, left: Duration, command: C) -> Result<T, Failed>
    where
        C: Fn(ConnectionManager) -> F,
        F: Future<Output = RedisResult<T>>,
    {
        let within = self.within.min(left);
        let until = Instant::now() + within;
        loop {
            let (number, manager) = match self.manager() {
                Ok(present) => present,
                Err(error) => return Err(Failed::Error(error, self.address.clone())),
            };
            let time = until.saturating_duration_since(Instant::now());
            let Ok(answer) = tokio::time::timeout(time, command(manager)).await else {
                self.replace(number);
                return Err(Failed::Late(within, self.address.clone()));
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let next = Next::of(&error);
            if next != Next::Answered {
                self.replace(number);
            }
            let goes_on = until.saturating_duration_since(Instant::now()) > PAUSE;
            if next != Next::Again || !goes_on {
                return Err(Failed::Error(error, self.address.clone()));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The present connection, or a new one. None is made before a command is sent on it.
    fn manager(&self) -> RedisResult<(u64, ConnectionManager)> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &connection.manager {
            return Ok((connection.number, manager.clone()));
        }
        // This type decides itself how often to try again and how long to wait.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.within))
            .set_response_timeout(None);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        connection.manager = Some(manager.clone());
        connection.number += 1;
        Ok((connection.number, manager))
    }

    /// Lets the next command make a new connection, if nobody has done so yet.
    fn replace(&self, number: u64) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number {
            connection.manager = None;
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a command has no answer, with the address of the server.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It took longer than this.
    Late(Duration, String),
    /// The server or the connection to it said so.
    Error(redis::RedisError, String),
}

impl Failed {
    /// What a guest is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Late(within, server) => failure::late(server, *within),
            Self::Error(error, server) => failure::refusal(server, error),
        }
    }

    /// What was too large, where that is why.
    pub(super) fn too_large(&self) -> Option<String> {
        match self {
            Self::Late(..) => None,
            Self::Error(error, _) => failure::too_large(error),
        }
    }
}

/// The refusal where the operator has not said which server there is.
pub(crate) fn no_server<T>() -> Answer<T> {
    Err(Refusal::unavailable(
        "this worker knows no Redis server: its operator writes `[redis]` with `url` into the grants",
    ))
}
