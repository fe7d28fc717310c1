//! Destinations of grants: what one allows lies beneath it, also for another reader of the URL and for a server that is
//! careless with paths.
//!
//! An input is two lines: a destination as grants write it, and a URL.

use capabilities::http::Destination;
use http::Uri;
use url::{Host, Url};

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((written, url)) = text.split_once('\n') else { return };
    let Ok(destination) = written.parse::<Destination>() else { return };
    assert_eq!(destination.to_string(), written);
    let Ok(uri) = url.parse::<Uri>() else { return };
    if !destination.allows(&uri) {
        return;
    }
    let seen = Url::parse(url).unwrap_or_else(|error| panic!("{url} is allowed: {error}"));
    let (scheme, rest) = written.split_once("://").expect("a destination has a scheme");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    assert_eq!(seen.scheme(), scheme, "{written} allows {url}");
    assert!(seen.username().is_empty() && seen.password().is_none(), "{written} allows {url}");
    same_server(&seen, authority, &format!("{written} allows {url}"));
    for decodings in 1..=2 {
        let found = resolved(uri.path(), decodings);
        let granted = beginning(path);
        assert!(found.starts_with(&granted), "{written} allows {url}: {found:?}");
    }
}

/// The host and the port are those of the destination's authority.
fn same_server(seen: &Url, authority: &str, context: &str) {
    let end = authority.rfind(']').unwrap_or(0);
    let (host, port) = match authority[end..].split_once(':') {
        Some((_, port)) => (&authority[..authority.len() - port.len() - 1], Some(port)),
        None => (authority, None),
    };
    match port {
        Some("*") => {}
        Some(port) => assert_eq!(seen.port_or_known_default(), port.parse().ok(), "{context}"),
        None => assert_eq!(seen.port(), None, "{context}"),
    }
    let own = seen.host_str().expect("a host").trim_end_matches('.');
    match host.strip_prefix("*.") {
        _ if host == "*" => {}
        Some(name) => assert!(own.ends_with(&format!(".{}", spelled(name))), "{context}: {own}"),
        None => assert_eq!(own, spelled(host), "{context}"),
    }
}

/// A host as the URL standard spells it, without a dot at its end.
fn spelled(host: &str) -> String {
    let host = Host::parse(host).expect("a destination's host is one").to_string();
    host.trim_end_matches('.').to_owned()
}

/// The parts of a destination's path up to its first star.
fn beginning(path: &str) -> Vec<Vec<u8>> {
    let fixed = match path.split_once('*') {
        Some((fixed, _)) => fixed.strip_suffix('/').unwrap_or(fixed),
        None => path,
    };
    fixed.split('/').skip(1).map(|part| name(&decoded(part.as_bytes()))).collect()
}

/// What a careless server makes of a path: decoded so often, then with its backslashes as slashes, its parameters cut off
/// and its dots resolved.
fn resolved(path: &str, decodings: usize) -> Vec<Vec<u8>> {
    let path = (0..decodings).fold(path.as_bytes().to_vec(), |path, _| decoded(&path));
    let mut parts = Vec::new();
    for part in path.split(|byte| matches!(byte, b'/' | b'\\')).skip(1).map(name) {
        match part.as_slice() {
            b".." => drop(parts.pop()),
            b"." => {}
            _ => parts.push(part),
        }
    }
    parts
}

/// A part without its parameters.
fn name(part: &[u8]) -> Vec<u8> {
    part.split(|byte| *byte == b';').next().unwrap_or_default().to_vec()
}

/// Decoded once; what is no code stays as it is.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = digit(at + 1).zip(digit(at + 2)).map(|(high, low)| high * 16 + low);
        let code = code.and_then(|code| u8::try_from(code).ok()).filter(|_| *byte == b'%');
        decoded.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}
