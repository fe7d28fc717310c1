//! What nobody may find in a log, and the log of all tests.

use std::io::Write;
use std::sync::{LazyLock, Mutex, MutexGuard};

use protocol::signature::{Keys, SigningKey, Trust};
use tracing_subscriber::EnvFilter;

pub(crate) const PRIMARY: &str = "signkey-test-c0ffee5ec2e7c0ffee5ec2e7c0ffee01";
pub(crate) const FALLBACK: &str = "signkey-test-c0ffee5ec2e7c0ffee5ec2e7c0ffee02";
pub(crate) const STRANGER: &str = "signkey-test-c0ffee5ec2e7c0ffee5ec2e7c0ffee03";
pub(crate) const EVENT_KEY: &str = "an-event-key-for-nobody-else";
/// Is in the data of every event.
pub(crate) const EVENT_DATA: &str = "between-you-and-me";

pub(crate) fn key(text: &str) -> SigningKey {
    SigningKey::parse(text).expect("a key")
}

/// Believes both keys.
pub(crate) fn trust() -> Trust {
    Trust::Signed(Keys { primary: key(PRIMARY), fallback: Some(key(FALLBACK)) })
}

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Our own crates say everything, and so do the libraries that see headers and addresses.
const FILTER: &str = "info,worker=trace,runtime=trace,protocol=trace,guest=trace,axum=trace,\
                      hyper=trace,hyper_util=trace,reqwest=trace";

static COLLECTING: LazyLock<()> = LazyLock::new(|| {
    let filter = EnvFilter::new(FILTER);
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Log).init();
});

struct Log;

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lines().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to collect what is logged, once for all tests.
pub(crate) fn collect() {
    LazyLock::force(&COLLECTING);
}

/// Everything logged up to now, by all tests.
pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&lines()).into_owned()
}

/// Fails when a text shows a secret.
pub(crate) fn assert_kept(place: &str, text: &str) {
    let hidden = [PRIMARY, FALLBACK, STRANGER].map(|text| {
        let digits = text.rsplit('-').next().expect("digits").to_owned();
        [digits, key(text).hash()]
    });
    let hidden = hidden.as_flattened().iter().map(String::as_str).chain([EVENT_KEY, EVENT_DATA]);
    for secret in hidden {
        if let Some(line) = text.lines().find(|line| line.contains(secret)) {
            panic!("{place} shows a secret: {line}");
        }
    }
}

/// Fails when the log shows a secret, or nothing at all.
pub(crate) fn assert_kept_in_log() {
    let logged = logged();
    assert!(logged.contains("registered with the server"), "the log is collected");
    assert_kept("the log", &logged);
}
