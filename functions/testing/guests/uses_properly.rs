//! A component that uses what it was granted, and nothing else: the neighbour of those that do not.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

use self::bindings::wasi::keyvalue::store;

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated from `wit/`")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package testing:properly;
            world values { import wasi:keyvalue/store@0.2.0-draft2; }
        ",
        path: "../../wit/deps/keyvalue-draft2",
        world: "testing:properly/values",
        generate_all,
    });
}

/// Leaves a text in a file, under a key of Redis and in a bucket, and answers with what it finds in them afterwards, what
/// a program echoes, and what a server answers to a request with a secret.
#[function(id = "keeps-its-own", on("testing/properly.asked"), retries = 4)]
async fn keeps_its_own(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    let text = event.data["text"].as_str().unwrap_or_default();
    let name = format!("kept-{text}");
    ctx.step("leave", async |io| {
        io.fs().root("own").write(&name, text)?;
        io.redis().set(&name, text).always()?;
        let bucket = store::open("own").map_err(|error| failed(&error))?;
        bucket.set(&name, text.as_bytes()).map_err(|error| failed(&error))
    })
    .await?;
    ctx.step("find", async |io| {
        let kept = io.redis().get(&name)?;
        let kept = kept.as_ref().map(|kept| kept.str().map(str::to_owned)).transpose()?;
        let bucket = store::open("own").map_err(|error| failed(&error))?;
        let value = bucket.get(&name).map_err(|error| failed(&error))?;
        let echoed = io.shell().program("echo").arg(text).run().await?.text();
        let to = event.data["to"].as_str().unwrap_or_default();
        let token = io.secrets().placeholder("key")?;
        let answered = io.http().get(to).header("x-key", token.as_str()).send().await?;
        Ok(vec![
            io.fs().root("own").read_to_string(&name)?,
            kept.unwrap_or_default(),
            String::from_utf8_lossy(&value.unwrap_or_default()).into_owned(),
            echoed.trim_end().to_owned(),
            answered.status.to_string(),
        ])
    })
    .await
}

fn failed(error: &store::Error) -> Error {
    Error::stop(format!("{error:?}"))
}

system_bus_sdk::component![keeps_its_own];
