//! Tells the registry which old versions unfinished runs may need, so that the others can go.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::FunctionId;
use registry::Registry;

use crate::options::Options;
use crate::server_api::ServerApi;

/// How often the server is asked.
const ASK: Duration = Duration::from_mins(1);

/// How many runs of a function are looked at. With more, the oldest is not known, and all old versions stay.
const RUNS: usize = 1_000;

/// Asks the server from time to time for the oldest unfinished run of each function that has, or had, its home in this
/// role and has more than one version.
pub(crate) fn ask(
    registry: Arc<Registry>,
    options: &Options,
    api: ServerApi,
) -> impl Future<Output = ()> + use<> {
    let (app, role) = (options.app.clone(), options.role);
    async move {
        loop {
            tokio::time::sleep(ASK).await;
            let present = registry.present();
            let history = present.history();
            let here = history.homes().filter(|(_, home, _)| *home == role);
            let functions: Vec<&FunctionId> = here.map(|(function, ..)| function).collect();
            for function in functions.into_iter().filter(|f| history.only(f).is_none()) {
                let asked = Timestamp::now();
                match api.unfinished(&app, function, RUNS).await {
                    Ok(runs) if runs.len() < RUNS => {
                        registry.needed_since(role, function, runs.into_iter().min(), asked);
                    }
                    Ok(_) => {
                        tracing::debug!(%function, "too many unfinished runs to know the oldest; all its versions stay");
                    }
                    Err(error) => {
                        tracing::debug!(%function, %error, "the server cannot tell which runs are unfinished");
                    }
                }
            }
        }
    }
}
