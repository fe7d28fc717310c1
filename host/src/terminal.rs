//! The standard error, shared by lines that stay and a panel below them that is drawn over and over.
//!
//! Whoever writes a line while a panel is there would tear it apart; so lines go through here, those of the log too.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The panel that is there; at most one, as there is one terminal.
static PANEL: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A panel at the bottom of the terminal, until it is dropped.
pub(crate) struct Bottom(ProgressBar);

impl Bottom {
    /// Makes room for a panel.
    pub(crate) fn open() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        *panel() = Some(bar.clone());
        Self(bar)
    }

    /// Shows these lines, which fit the terminal, in the place of those before.
    pub(crate) fn show(&self, lines: &[String]) {
        self.0.set_message(lines.join("\n"));
        self.0.tick();
    }

    /// Width and height of the terminal, in characters.
    pub(crate) fn size() -> (usize, usize) {
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
    }
}

impl Drop for Bottom {
    fn drop(&mut self) {
        *panel() = None;
        self.0.finish_and_clear();
    }
}

/// Writes to the standard error, above the panel if there is one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        aside(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Does something that writes to the terminal in some other way, such as by the standard output, with the panel out of the way.
pub(crate) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let bar = panel().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A line that stays.
pub(crate) fn line(words: &str) {
    // A terminal that has gone away reads nothing.
    let _ = Above.write_all(format!("{words}\n").as_bytes());
}

fn panel() -> MutexGuard<'static, Option<ProgressBar>> {
    PANEL.lock().unwrap_or_else(PoisonError::into_inner)
}
