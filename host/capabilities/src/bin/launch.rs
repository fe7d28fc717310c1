//! The launcher alone, for the tests of this crate; built for nobody else. A worker starts itself with a hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    match capabilities::shell::launch::serve(std::io::stdin()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
