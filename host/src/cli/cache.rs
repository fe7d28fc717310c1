//! Where compiled code is kept, and who compiles.

use std::path::PathBuf;

use clap::Args;
use runtime::compile::Child;
use runtime::{Cache, Compilation, Compiler};

/// Where compiled code is kept.
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    /// A folder for compiled code, so that a component is compiled once. It must belong to this user alone; it is made if
    /// there is none
    #[arg(long, env = "SYSTEM_BUS_CACHE", value_name = "DIR", default_value = ".system-bus/cache")]
    cache: PathBuf,
    /// How much compiled code is kept; what was not used for the longest time goes first
    #[arg(long, env = "SYSTEM_BUS_CACHE_LIMIT", value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    cache_limit: u64,
    /// Keep no compiled code
    #[arg(long, env = "SYSTEM_BUS_NO_CACHE")]
    no_cache: bool,
}

impl CacheArgs {
    /// Compiles in children of this process. A folder that cannot be used costs a warning and the time to compile.
    pub(crate) fn compilation(&self) -> Compilation {
        self.compilation_in(|child| child)
    }

    /// The same, where somebody waits for what is compiled.
    pub(crate) fn urgent_compilation(&self) -> Compilation {
        self.compilation_in(Child::urgent)
    }

    fn compilation_in(&self, child_as: impl FnOnce(Child) -> Child) -> Compilation {
        let compiler = match Child::this_program(["compile".to_owned()]) {
            Ok(child) => Compiler::Child(child_as(child)),
            Err(error) => {
                tracing::warn!(%error, "this program cannot be found to start it again, so components are compiled in this process; its memory grows");
                Compiler::InProcess
            }
        };
        Compilation::new(compiler, self.open())
    }

    /// Where what files are is kept for the next start.
    pub(crate) fn memory(&self) -> Option<PathBuf> {
        (!self.no_cache).then(|| self.cache.join("files.json"))
    }

    fn open(&self) -> Option<Cache> {
        if self.no_cache {
            return None;
        }
        Cache::open(&self.cache, self.cache_limit)
            .inspect_err(|error| tracing::warn!("{error}"))
            .ok()
    }
}

/// A number of bytes, such as `512MiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit: u64 = match unit.trim() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("write a size such as 512MiB or 2GiB".to_owned()),
    };
    let number: u64 =
        number.parse().map_err(|_| "write a size such as 512MiB or 2GiB".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| format!("{text} is more than there is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, size) in [
            ("0KiB", Some(0)),
            ("3KiB", Some(3 << 10)),
            ("512MiB", Some(512 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("", None),
            ("12", None),
            ("MiB", None),
            ("1GB", None),
            ("1.5GiB", None),
            ("-1GiB", None),
            ("18446744073709551615KiB", None),
            ("99999999999999999999GiB", None),
        ] {
            assert_eq!(bytes(text).ok(), size, "{text}");
        }
    }
}
