//! How the worker's calls come to it: the command line, and the `INNGEST_CONNECT_*` variables as other SDKs read them.

use std::num::NonZeroU32;

use anyhow::{Context, bail};
use protocol::connect::book::REPLY_ACK;
use url::Url;
use worker::connect::{ConnectOptions, Transport};

use super::instance;
use crate::cli::{TransportArgs, Transports};

/// What the command line asks for, completed by the variables that `get` reads; an empty one counts as absent.
///
/// May write the instance id into the state folder.
pub(crate) fn transport(
    args: TransportArgs,
    get: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Transport> {
    if args.transport == Transports::Serve {
        let given = [
            ("--max-concurrency", args.max_concurrency.is_some()),
            ("--instance-id", args.instance_id.is_some()),
            ("--state-dir", args.state_dir.is_some()),
        ];
        for (option, _) in given.into_iter().filter(|(_, given)| *given) {
            // A worker of several transports may be configured by one environment.
            tracing::warn!(
                option,
                "it says something of connections only, and --transport is serve; it is ignored"
            );
        }
        return Ok(Transport::Serve);
    }
    let get = |name: &str| {
        get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let gateway = get("INNGEST_CONNECT_GATEWAY_URL").map(|text| gateway(&text)).transpose()?;
    let concurrency = match (args.max_concurrency, get("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY")) {
        (Some(asked), _) => asked,
        (None, Some(text)) => text.parse().with_context(|| {
            format!(
                "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY is {text:?}; write a number of at least 1"
            )
        })?,
        // What runs beyond it would wait for an instance all the same, and other workers could have had it.
        (None, None) => NonZeroU32::new(runtime::INSTANCES).context("a runtime with instances")?,
    };
    let instance = match args.instance_id {
        Some(text) => text.parse().context("--instance-id")?,
        None => instance::default(args.state_dir.as_deref())?,
    };
    let state_dir = args.state_dir;
    let options =
        ConnectOptions { instance, gateway, concurrency, state_dir, reply_ack: REPLY_ACK };
    Ok(match args.transport {
        Transports::Both => Transport::Both(options),
        Transports::Serve | Transports::Connect => Transport::Connect(options),
    })
}

fn gateway(text: &str) -> anyhow::Result<Url> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.has_host() => Ok(url),
        _ => bail!(
            "INNGEST_CONNECT_GATEWAY_URL is {text:?}; write an address such as ws://127.0.0.1:8289/v0/connect"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(transport: Transports) -> TransportArgs {
        TransportArgs {
            transport,
            max_concurrency: None,
            instance_id: Some("one".to_owned()),
            state_dir: None,
            drain: worker::options::DRAIN,
        }
    }

    fn connected(set: &[(&str, &str)], args: TransportArgs) -> anyhow::Result<ConnectOptions> {
        let found =
            |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        match transport(args, found)? {
            Transport::Connect(options) | Transport::Both(options) => Ok(options),
            Transport::Serve => bail!("not connected"),
        }
    }

    #[test]
    fn the_transport_is_the_one_asked_for() {
        let none = |_: &str| None;
        assert!(matches!(transport(args(Transports::Serve), none), Ok(Transport::Serve)));
        assert!(matches!(transport(args(Transports::Connect), none), Ok(Transport::Connect(_))));
        assert!(matches!(transport(args(Transports::Both), none), Ok(Transport::Both(_))));
    }

    #[test]
    fn the_command_line_beats_the_environment_and_that_beats_the_default() {
        const LIMIT: &str = "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY";
        let limit = |set: &[(&str, &str)], asked: Option<u32>| {
            let max_concurrency = asked.and_then(NonZeroU32::new);
            let args = TransportArgs { max_concurrency, ..args(Transports::Connect) };
            connected(set, args).expect("valid").concurrency.get()
        };
        assert_eq!(limit(&[], None), runtime::INSTANCES);
        assert_eq!(limit(&[(LIMIT, "")], None), runtime::INSTANCES);
        assert_eq!(limit(&[(LIMIT, "7")], None), 7);
        assert_eq!(limit(&[(LIMIT, "7")], Some(9)), 9);
    }

    #[test]
    fn what_cannot_be_read_names_its_source() {
        for (set, instance, says) in [
            (("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "0"), "one", "at least 1"),
            (("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "many"), "one", "at least 1"),
            (("INNGEST_CONNECT_GATEWAY_URL", "http://a"), "one", "INNGEST_CONNECT_GATEWAY_URL"),
            (("", ""), "a/b", "--instance-id"),
        ] {
            let instance_id = Some(instance.to_owned());
            let args = TransportArgs { instance_id, ..args(Transports::Connect) };
            let error = format!("{:#}", connected(&[set], args).expect_err(says));
            assert!(error.contains(says), "{error}");
        }
        let set = [("INNGEST_CONNECT_GATEWAY_URL", "wss://gateway.example/v0/connect")];
        let options = connected(&set, args(Transports::Connect)).expect("valid");
        assert_eq!(options.gateway.expect("set").scheme(), "wss");
    }
}
