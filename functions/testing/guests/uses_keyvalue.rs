//! Keeps values by key, through both deployed versions of `wasi:keyvalue` and with nobody's help: as a component would
//! that was written for another host.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated from `wit/`")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package testing:keyvalue;
            world both {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:keyvalue/batch@0.2.0-draft;
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
            }
        ",
        path: ["../../wit/deps/keyvalue-draft", "../../wit/deps/keyvalue-draft2"],
        world: "testing:keyvalue/both",
        generate_all,
    });
}

use bindings::wasi::keyvalue0_2_0_draft as draft;
use bindings::wasi::keyvalue0_2_0_draft2 as draft2;

fn failed(error: &impl std::fmt::Debug) -> Error {
    Error::stop(format!("{error:?}"))
}

/// Everything there is, in a bucket of its own, with both versions on the same values.
#[function(id = "keeps", on("testing/values.requested"), retries = 4)]
async fn keeps(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("keep", async |_io| {
        let old = draft::store::open(&name).map_err(|error| failed(&error))?;
        let new = draft2::store::open(&name).map_err(|error| failed(&error))?;
        old.set("a", b"1").map_err(|error| failed(&error))?;
        let seen = new.get("a").map_err(|error| failed(&error))?;
        let three = draft::atomics::increment(&old, "n", 3).map_err(|error| failed(&error))?;
        let two = draft2::atomics::increment(&new, "n", -1).map_err(|error| failed(&error))?;
        let pairs = [("b".to_owned(), b"2".to_vec()), ("c".to_owned(), b"3".to_vec())];
        draft2::batch::set_many(&new, &pairs).map_err(|error| failed(&error))?;
        let asked = ["b".to_owned(), "gone".to_owned()];
        let many = draft::batch::get_many(&old, &asked).map_err(|error| failed(&error))?;
        let many2 = draft2::batch::get_many(&new, &asked).map_err(|error| failed(&error))?;
        draft::batch::delete_many(&old, &["c".to_owned()]).map_err(|error| failed(&error))?;
        old.delete("gone").map_err(|error| failed(&error))?;
        let exists = new.exists("c").map_err(|error| failed(&error))?;
        let keys = old.list_keys(None).map_err(|error| failed(&error))?.keys;
        let keys2 = new.list_keys(None).map_err(|error| failed(&error))?.keys;

        let cas = draft2::atomics::Cas::new(&new, "a").map_err(|error| failed(&error))?;
        new.set("a", b"other").map_err(|error| failed(&error))?;
        let Err(draft2::atomics::CasError::CasFailed(cas)) = draft2::atomics::swap(cas, b"x")
        else {
            return Err(Error::stop("a changed value was swapped"));
        };
        let current = cas.current().map_err(|error| failed(&error))?;
        draft2::atomics::swap(cas, b"swapped").map_err(|error| failed(&error))?;
        let swapped = old.get("a").map_err(|error| failed(&error))?;
        let text = |value: Option<Vec<u8>>| value.map(|v| String::from_utf8_lossy(&v).into_owned());
        Ok(serde_json::json!({
            "seen": text(seen), "three": three, "two": two,
            "many": many.len(), "found": many.iter().flatten().count(),
            "many2": many2.iter().filter(|(_, value)| value.is_some()).count(),
            "exists": exists, "keys": keys, "keys2": keys2,
            "current": text(current), "swapped": text(swapped),
        }))
    })
    .await
}

/// Reads one key: of a bucket that may be another's.
#[function(id = "reads-one", on("testing/values.requested"), retries = 4)]
async fn reads_one(ctx: Ctx, event: Incoming<Value>) -> Result<Option<String>> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("read", async |_io| {
        let bucket = draft2::store::open(&name).map_err(|error| failed(&error))?;
        let value = bucket.get("a").map_err(|error| failed(&error))?;
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
    })
    .await
}

/// Adds one, by looking and swapping until nobody came between.
#[function(id = "swaps", on("testing/values.requested"), retries = 4)]
async fn swaps(ctx: Ctx, event: Incoming<Value>) -> Result<()> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("swap", async |_io| {
        let bucket = draft2::store::open(&name).map_err(|error| failed(&error))?;
        let mut cas = draft2::atomics::Cas::new(&bucket, "a").map_err(|error| failed(&error))?;
        loop {
            let was = cas.current().map_err(|error| failed(&error))?.unwrap_or_default();
            match draft2::atomics::swap(cas, &[was, b"x".to_vec()].concat()) {
                Ok(()) => return Ok(()),
                Err(draft2::atomics::CasError::CasFailed(now)) => cas = now,
                Err(error) => return Err(failed(&error)),
            }
        }
    })
    .await
}

/// Opens the same bucket again and again and keeps every handle.
#[function(id = "hoards", on("testing/values.requested"), retries = 4)]
async fn hoards(ctx: Ctx, event: Incoming<Value>) -> Result<usize> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("hoard", async |_io| {
        let mut held = Vec::new();
        for _ in 0..100_000 {
            held.push(draft::store::open(&name).map_err(|error| failed(&error))?);
        }
        Ok(held.len())
    })
    .await
}

/// Fills its bucket.
#[function(id = "fills", on("testing/values.requested"), retries = 4)]
async fn fills(ctx: Ctx, event: Incoming<Value>) -> Result<()> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("fill", async |_io| {
        let bucket = draft2::store::open(&name).map_err(|error| failed(&error))?;
        for number in 0..1000 {
            bucket.set(&number.to_string(), &[0; 1024]).map_err(|error| failed(&error))?;
        }
        Ok(())
    })
    .await
}

/// Opens a bucket where nothing may happen.
#[function(id = "opens-outside", on("testing/values.requested"), retries = 4)]
async fn opens_outside(_ctx: Ctx, event: Incoming<Value>) -> Result<bool> {
    Ok(draft2::store::open(event.data["bucket"].as_str().unwrap_or_default()).is_ok())
}

system_bus_sdk::component![keeps, reads_one, swaps, hoards, fills, opens_outside];
