//! The launcher alone, for tests of this crate. A worker starts itself with a hidden command instead.

use std::process::ExitCode;

fn main() -> ExitCode {
    match capabilities::shell::launch::serve(std::io::stdin()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
