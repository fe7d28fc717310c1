//! Compiled code that may be run, and the one place where it is mapped.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that may be run: having one is the proof that our own compiler made these bytes.
///
/// There are two ways to one: from the compiler's answer, and from a file of the cache whose authentication was checked
/// through the very same open file, which nobody else can write.
pub(crate) struct Code(Source);

enum Source {
    Memory(Vec<u8>),
    /// The file, and the length of the code at its beginning.
    File(File, usize),
}

impl Code {
    /// What our compiler answered: this process, or a child that is the same program.
    pub(crate) fn compiled(code: Vec<u8>) -> Self {
        Self(Source::Memory(code))
    }

    /// An open file that begins with `length` bytes of code and was authenticated, or was just written, by us. Nobody
    /// else may be able to write to it.
    pub(crate) fn authenticated(file: File, length: usize) -> Self {
        Self(Source::File(file, length))
    }

    /// Maps the code. An error means that it is for another engine, and nothing of it was run.
    pub(crate) fn map(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self.0 {
            Source::Memory(code) => in_memory(engine, &code),
            Source::File(file, length) => {
                // The engine opens files by name only. This name is that of our open file, whatever has become of the
                // entry of the folder; where the system has no such names, the code is copied.
                let same = open_again(&file);
                if File::open(&same).is_ok() {
                    in_file(engine, &same)
                } else {
                    let mut code = vec![0; length];
                    file.read_exact_at(&mut code, 0)?;
                    in_memory(engine, &code)
                }
            }
        }
    }
}

fn open_again(file: &File) -> PathBuf {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    PathBuf::from(format!("{folder}/{}", file.as_raw_fd()))
}

#[expect(
    unsafe_code,
    reason = "no compiler can check that bytes are code of the engine's own making"
)]
fn in_memory(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: a `Code` is made by our own compiler only, and the engine refuses code of other releases and settings.
    unsafe { Component::deserialize(engine, code) }
}

#[expect(
    unsafe_code,
    reason = "no compiler can check that a file is code of the engine's own making"
)]
fn in_file(engine: &Engine, file: &std::path::Path) -> wasmtime::Result<Component> {
    // SAFETY: as above. The file is ours alone and never written again: entries are replaced by renaming others over
    // them, which leaves a mapped file as it is.
    unsafe { Component::deserialize_file(engine, file) }
}
