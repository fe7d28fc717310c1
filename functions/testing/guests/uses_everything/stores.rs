//! Attempts with Redis and with values by key.

use system_bus_sdk::Refused;
use system_bus_sdk::prelude::*;

use self::bindings::wasi::keyvalue::store;
use super::{attempts, told};

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated from `wit/`")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package testing:everything;
            world values { import wasi:keyvalue/store@0.2.0-draft2; }
        ",
        path: "../../wit/deps/keyvalue-draft2",
        world: "testing:everything/values",
        generate_all,
    });
}

/// What to do, with which key or bucket.
#[derive(Deserialize)]
struct Attempt(String, String);

#[function(id = "tries-redis", on("testing/redis.tried"), retries = 1)]
pub(super) async fn tries_redis(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let attempts = attempts::<Attempt>(&event)?;
        Ok(attempts.iter().map(|attempt| told(ask(&io, attempt))).collect())
    })
    .await
}

fn ask(io: &Io, Attempt(what, key): &Attempt) -> Result<String, Refused> {
    let redis = io.redis();
    Ok(match what.as_str() {
        "get" => match redis.get(key)? {
            Some(value) => String::from_utf8_lossy(value.bytes()).into_owned(),
            None => "nothing is there".to_owned(),
        },
        "set" => {
            redis.set(key, "ours").always()?;
            "done".to_owned()
        }
        "delete" => format!("{:?}", redis.delete([key])?),
        "scan" => format!("{:?}", redis.scan(key, 0)?.keys),
        "publish" => format!("{:?}", redis.publish(key, "ours")?),
        "transact" => format!("{:?}", redis.transaction().set(key, "ours").run()?),
        other => format!("{other} is no attempt"),
    })
}

#[function(id = "tries-values", on("testing/values.tried"), retries = 1)]
pub(super) async fn tries_values(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |_io| {
        let attempts = attempts::<Attempt>(&event)?;
        Ok(attempts.iter().map(|Attempt(what, name)| open(what, name)).collect())
    })
    .await
}

fn open(what: &str, name: &str) -> String {
    let tried = || {
        let bucket = store::open(name)?;
        match what {
            "read" => Ok(format!("{:?}", bucket.get("kept")?)),
            "write" => bucket.set("kept", b"ours").map(|()| "done".to_owned()),
            // Handles that are never given back.
            "hoard" => {
                let mut held = Vec::new();
                for _ in 0..100_000 {
                    held.push(store::open(name)?);
                }
                Ok(format!("{} handles", held.len()))
            }
            // As many bytes as there is room for, and on.
            "fill" => {
                for n in 0..1_000 {
                    bucket.set(&n.to_string(), &[0; 4096])?;
                }
                Ok("nobody stopped it".to_owned())
            }
            other => Ok(format!("{other} is no attempt")),
        }
    };
    tried().unwrap_or_else(|error: store::Error| format!("{error:?}"))
}
