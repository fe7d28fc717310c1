//! What a supervisor is told of this process: systemd's `sd_notify`, where it listens.
//!
//! Ready means that calls are served, and not that the server knows of it: a worker whose server is away serves, and
//! whoever starts it anew for that would only end what it does.

/// Calls are served.
pub(crate) fn ready() {
    tell("READY=1");
}

/// It ends, and takes its time.
pub(crate) fn stopping() {
    tell("STOPPING=1");
}

#[cfg(unix)]
fn tell(words: &str) {
    use std::os::unix::net::UnixDatagram;

    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let told = UnixDatagram::unbound().and_then(|socket| {
        socket.send_to_addr(words.as_bytes(), &address(&path)?)?;
        Ok(())
    });
    if let Err(error) = told {
        tracing::warn!(%error, "the supervisor at NOTIFY_SOCKET was not told {words}");
    }
}

/// A file, or a name without one, which begins with `@`.
#[cfg(unix)]
fn address(path: &std::ffi::OsStr) -> std::io::Result<std::os::unix::net::SocketAddr> {
    use std::os::unix::net::SocketAddr;

    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        if let Some(name) = path.as_bytes().strip_prefix(b"@") {
            return SocketAddr::from_abstract_name(name);
        }
    }
    SocketAddr::from_pathname(path)
}

#[cfg(not(unix))]
fn tell(_words: &str) {}
