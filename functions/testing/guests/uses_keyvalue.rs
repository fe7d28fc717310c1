//! Keeps values by key: through both deployed versions of `wasi:keyvalue` and with nobody's help, as a component would that
//! was written for another host; and with the SDK.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::keyvalue::Swap;
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

/// What every function of the SDK's module answers, in a bucket of its own.
#[function(id = "with-sdk", on("testing/values.requested"), retries = 4)]
async fn with_sdk(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
    let name = event.data["bucket"].as_str().unwrap_or_default().to_owned();
    ctx.step("keep", async |io| {
        let bucket = io.keyvalue().open(&name)?;
        bucket.set("a", "1")?;
        let got = bucket.get("a")?;
        bucket.set_many([("b", "2"), ("c", "3")])?;
        let many = bucket.get_many(["c", "gone", "a"])?;
        bucket.delete("b")?;
        let gone = bucket.exists("b")?;
        let watched = bucket.watch("a")?;
        bucket.set("a", "other")?;
        let Swap::Changed(now) = watched.swap("x")? else {
            return Err(Error::stop("a changed value was swapped"));
        };
        let current = now.current()?;
        let done = matches!(now.swap("y")?, Swap::Done);
        let updated = bucket.update("a", |old| [old.unwrap_or_default(), b"z"].concat())?;
        let sum = bucket.increment("n", 40)? + bucket.increment("n", -42)?;
        bucket.delete_many(["c", "gone"])?;
        let keys = bucket.keys().collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(serde_json::json!({
            "got": got, "many": many, "gone": gone, "current": current, "done": done,
            "updated": updated, "sum": sum, "keys": keys,
        }))
    })
    .await
}

/// Sets a key where `was` is given, adds to it, and tells the reason of a refusal and what is there then.
#[function(id = "adds", on("testing/values.requested"), retries = 4)]
async fn adds(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
    ctx.step("add", async |io| {
        let bucket = io.keyvalue().open("own")?;
        let key = event.data["key"].as_str().unwrap_or_default();
        if let Some(was) = event.data["was"].as_str() {
            bucket.set(key, was)?;
        }
        let sum = match bucket.increment(key, event.data["by"].as_i64().unwrap_or(1)) {
            Ok(sum) => serde_json::json!(sum),
            Err(refused) => serde_json::json!(format!("{:?}", refused.reason())),
        };
        let value = bucket.get(key).ok().flatten();
        Ok(serde_json::json!([sum, value.map(|v| String::from_utf8_lossy(&v).into_owned())]))
    })
    .await
}

/// Keeps a value under each of these keys, all at once, and reads all of them again.
#[function(id = "keeps-under", on("testing/values.requested"), retries = 4)]
async fn keeps_under(ctx: Ctx, event: Incoming<Vec<String>>) -> Result<Vec<String>> {
    ctx.step("keep", async |io| {
        let bucket = io.keyvalue().open("own")?;
        bucket.set_many(event.data.iter().map(|key| (key.clone(), key.clone())))?;
        for (key, value) in bucket.get_many(event.data.iter().cloned())? {
            if value.as_deref() != Some(key.as_bytes()) {
                return Err(Error::stop(format!("{key:?} has the value of another")));
            }
        }
        Ok(bucket.keys().collect::<std::result::Result<Vec<_>, _>>()?)
    })
    .await
}

/// Lists 2500 keys while others come and go, with the cursors of both versions. Answers with how many of those that stayed
/// came once, and with how many the numbered cursor answered while nothing changed.
#[function(id = "pages", on("testing/values.requested"), retries = 4)]
async fn pages(ctx: Ctx, _event: Incoming<Value>) -> Result<(usize, usize)> {
    ctx.step("page", async |io| {
        let bucket = io.keyvalue().open("own")?;
        let all: Vec<String> = (0..2500).map(|n| format!("k{n:05}")).collect();
        for some in all.chunks(1000) {
            bucket.set_many(some.iter().map(|key| (key.clone(), "v")))?;
        }
        let old = draft::store::open("own").map_err(|error| failed(&error))?;
        let (mut numbered, mut cursor) = (Vec::new(), None);
        loop {
            let page = old.list_keys(cursor).map_err(|error| failed(&error))?;
            numbered.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        numbered.dedup();

        let mut seen = Vec::new();
        for (at, key) in bucket.keys().enumerate() {
            let key = key?;
            // At the end of a page: what lies before goes, the last key of the page too, and a new one comes before it.
            if at % 1000 == 999 {
                bucket.delete_many([format!("k{:05}", at - 500), key.clone()])?;
                bucket.set(&format!("k00000-{at}"), "new")?;
            }
            seen.push(key);
        }
        let stayed = |key: &&String| seen.iter().filter(|other| other == key).count() == 1;
        Ok((all.iter().filter(stayed).count(), numbered.len()))
    })
    .await
}

/// Goes beyond each limit of a question. Answers with the reasons.
#[function(id = "exceeds", on("testing/values.requested"), retries = 4)]
async fn exceeds(ctx: Ctx, _event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("exceed", async |io| {
        let bucket = io.keyvalue().open("own")?;
        let keys = |count: usize| (0..count).map(|n| n.to_string());
        let big = vec![7; 9 << 20];
        bucket.set("big", &big)?;
        bucket.set("big too", &big)?;
        let alone = bucket.get("big")?.map_or(0, |value| value.len());
        let told = [
            bucket.get_many(keys(1001)).map(drop),
            bucket.set_many(keys(1001).map(|key| (key, "v"))),
            bucket.delete_many(keys(1001)),
            bucket.get_many(["big", "big too"]).map(drop),
            bucket.get_many(keys(1000)).map(drop),
            bucket.set_many([("fine", "v"), ("", "v")]),
        ];
        let told = told.map(|answer| match answer {
            Ok(()) => "done".to_owned(),
            Err(refused) => format!("{:?}", refused.reason()),
        });
        let there = bucket.exists("fine")? || bucket.exists("1")?;
        Ok(told.into_iter().chain([alone.to_string(), there.to_string()]).collect())
    })
    .await
}

/// Looks at the same value again and again and keeps every handle.
#[function(id = "hoards-watched", on("testing/values.requested"), retries = 4)]
async fn hoards_watched(ctx: Ctx, _event: Incoming<Value>) -> Result<usize> {
    ctx.step("hoard", async |io| {
        let bucket = io.keyvalue().open("own")?;
        let mut held = Vec::new();
        for _ in 0..100_000 {
            held.push(bucket.watch("a")?);
        }
        Ok(held.len())
    })
    .await
}

system_bus_sdk::component![
    keeps,
    reads_one,
    swaps,
    hoards,
    fills,
    opens_outside,
    with_sdk,
    adds,
    keeps_under,
    pages,
    exceeds,
    hoards_watched
];
