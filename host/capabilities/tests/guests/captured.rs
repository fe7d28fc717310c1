//! What is logged while a test runs.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;

/// What this thread logs.
pub(crate) struct Captured {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Has this thread's logs go there until the end of the guard.
///
/// A place that logs asks once whether anybody listens, and may ask while a listener is just coming: beside this thread's
/// own there is therefore one that always listens, and says nothing.
pub(crate) fn listen(subscriber: impl tracing::Subscriber + Send + Sync + 'static) -> DefaultGuard {
    static ALWAYS: Once = Once::new();
    ALWAYS.call_once(|| {
        let silent = tracing_subscriber::registry();
        tracing::subscriber::set_global_default(silent).expect("nobody else sets one");
    });
    tracing::subscriber::set_default(subscriber)
}

impl Captured {
    pub(crate) fn new() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self { lines, _guard: listen(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().expect("a lock")).into_owned()
    }
}
