//! What a launcher binds itself by before it starts a program, which inherits it.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::order::Order;

/// Room for what else the user starts, since the system counts processes by user.
#[cfg(target_os = "linux")]
const OTHERS: u64 = 256;

/// Sets the limits of an order on this process; they cannot be lifted again.
pub(super) fn bind(order: &Order) -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, order.file)?;
    #[cfg(target_os = "linux")]
    {
        limit(Resource::As, order.memory)?;
        // A second bound, for what grows faster than it is counted. The system does not apply it to root.
        limit(Resource::Nproc, super::tree::of_user() + order.processes + OTHERS)?;
        rustix::thread::set_no_new_privs(true)?;
        // Whatever loses its parent becomes a child of this process, and can be found and ended.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    }
    Ok(())
}

/// Sets a limit, but never more than there is.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let present = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let most = Some(most.min(present));
    Ok(setrlimit(resource, Rlimit { current: most, maximum: most })?)
}
