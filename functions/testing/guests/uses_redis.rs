//! What components do with Redis, and what they try.
#![cfg(target_family = "wasm")]
#![no_main]

use serde_json::json;
use system_bus_sdk::guest::bindings::system_bus::durable::redis as raw;
use system_bus_sdk::prelude::*;
use system_bus_sdk::redis::Value as Bytes;

/// What a test asks for; each function uses some of it.
#[derive(Deserialize, Serialize, Clone, Debug, Default)]
#[serde(default)]
struct Asked {
    key: String,
    value: String,
    size: usize,
    times: u32,
}

macro_rules! function {
    ($name:ident, $id:literal, |$io:ident, $asked:ident| $body:expr) => {
        #[function(id = $id, on("testing/redis.asked"), retries = 4)]
        async fn $name(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
            let asked: Asked = serde_json::from_value(event.data.clone()).map_err(Error::stop)?;
            ctx.step("redis", async |io: Io| {
                let ($io, $asked) = (&io, &asked);
                $body
            })
            .await
        }
    };
}

fn texts(values: &[Bytes]) -> Result<Vec<String>> {
    values.iter().map(|value| Ok(value.str()?.to_owned())).collect()
}

function!(strings, "strings", |io, _asked| {
    let redis = io.redis();
    let mut seen = vec![json!(redis.get("a")?.is_none())];
    redis.set("a", "1").always()?;
    seen.push(json!(redis.set("a", "2").if_absent()?));
    seen.push(json!(redis.set("a", "3").if_present()?));
    seen.push(json!(redis.get("a")?.map(|a| a.json::<u8>()).transpose()?));
    seen.push(json!(redis.expires_in("a")?.is_none()));
    seen.push(json!(redis.expire("a", Duration::from_secs(100))?));
    seen.push(json!(redis.expires_in("a")?.is_some_and(|left| left > Duration::from_secs(50))));
    redis.set("b", "x").expires_in(Duration::from_secs(100)).always()?;
    seen.push(json!(redis.expires_in("b")?.is_some()));
    seen.push(json!(redis.increment("n", 5)?));
    seen.push(json!(redis.increment("n", -7)?));
    seen.push(json!([redis.exists("b")?, redis.exists("c")?]));
    seen.push(json!(redis.delete(["a", "b", "c"])?));
    seen.push(json!(redis.publish("news", "hello")?));
    Ok(Value::from(seen))
});

function!(hashes, "hashes", |io, _asked| {
    let redis = io.redis();
    let mut seen = vec![json!(redis.hash_set("h", [("f", "1"), ("g", "2")])?)];
    seen.push(json!(redis.hash_get("h", "f")?.map(|f| f.json::<u8>()).transpose()?));
    seen.push(json!(redis.hash_get("h", "none")?.is_none()));
    seen.push(json!(redis.hash_increment("h", "g", 40)?));
    let mut all = redis.hash_all("h")?;
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let all: Result<Vec<_>> = all.iter().map(|(f, v)| Ok(format!("{f}={}", v.str()?))).collect();
    seen.push(json!(all?));
    seen.push(json!(redis.hash_delete("h", ["f", "none"])?));
    Ok(Value::from(seen))
});

function!(lists, "lists", |io, _asked| {
    let redis = io.redis();
    let mut seen = vec![json!(redis.push_right("l", ["c", "d", "e"])?)];
    seen.push(json!(redis.push_left("l", ["b", "a"])?));
    seen.push(json!(texts(&redis.range("l", 0, -1)?)?));
    let first = redis.pop_left("l")?.into_iter().chain(redis.pop_right("l")?).collect::<Vec<_>>();
    seen.push(json!(texts(&first)?));
    redis.trim("l", 0, 1)?;
    seen.push(json!(redis.length("l")?));
    seen.push(json!(redis.pop_left("none")?.is_none()));
    Ok(Value::from(seen))
});

function!(sets, "sets", |io, _asked| {
    let redis = io.redis();
    let mut seen = vec![json!(redis.set_add("s", ["a", "b", "a"])?)];
    seen.push(json!([redis.set_contains("s", "a")?, redis.set_contains("s", "z")?]));
    seen.push(json!(redis.set_remove("s", ["b", "z"])?));
    seen.push(json!(texts(&redis.set_members("s")?)?));
    let members = [(2.5, "b"), (1.0, "a"), (f64::INFINITY, "c")];
    seen.push(json!(redis.sorted_add("z", members)?));
    let found = redis.sorted_range("z", f64::NEG_INFINITY, 2.5, 10)?;
    let found: Result<Vec<_>> =
        found.iter().map(|(s, m)| Ok(format!("{}={s}", m.str()?))).collect();
    seen.push(json!(found?));
    seen.push(json!(redis.sorted_range("z", 0.0, 9.0, 1)?.len()));
    seen.push(json!([redis.sorted_score("z", "b")?, redis.sorted_score("z", "none")?]));
    seen.push(json!(redis.sorted_remove("z", ["a", "none"])?));
    Ok(Value::from(seen))
});

function!(transactions, "transactions", |io, _asked| {
    let redis = io.redis();
    let all = redis.transaction().absent("t").set("t", "1").increment("t", 4).delete("none");
    let all = all.set_for("u", "x", Duration::from_secs(9)).expire("t", Duration::from_secs(9));
    let all = all.hash_set("th", "f", "v").hash_set("th", "g", "v").hash_delete("th", "g");
    let all = all.push_left("tl", "b").push_left("tl", "a").push_right("tl", "c").trim("tl", 0, 1);
    let all = all.set_add("ts", "a").set_add("ts", "b").set_remove("ts", "b");
    let all = all.sorted_add("tz", 1.0, "a").sorted_add("tz", 2.0, "b").sorted_remove("tz", "b");
    let mut seen = vec![json!(all.publish("news", "done").run()?)];
    seen.push(json!(redis.get("t")?.map(|t| t.json::<u8>()).transpose()?));
    seen.push(json!(redis.transaction().unchanged("t", "4").set("t", "9").run()?));
    seen.push(json!(redis.transaction().unchanged("t", "5").set("t", "9").run()?));
    let mut keys = redis.scan("*", 0)?.keys;
    keys.sort();
    seen.push(json!(keys));
    seen.push(json!(texts(&redis.range("tl", 0, -1)?)?));
    Ok(Value::from(seen))
});

function!(half, "half", |io, asked| {
    // The last command cannot be done.
    let redis = io.redis();
    redis.push_left("list", ["x"])?;
    redis.set("text", "no number").always()?;
    redis.set("large", i64::MAX.to_string()).always()?;
    let most = redis.transaction().set("half", "done").push_left("list", "y").publish("news", "z");
    let refused = match asked.key.as_str() {
        "kind" => most.set_add("list", "y"),
        "kind made by the transaction" => most.set_add("half", "y"),
        "number" => most.increment("text", 1),
        "number made by the transaction" => most.set("n", "1x").increment("n", 1),
        "overflow" => most.increment("large", 1),
        _ => most.unchanged("list", "x"),
    }
    .run();
    let refused = refused.map_err(|refused| refused.message().to_owned()).err();
    Ok(json!([refused, redis.exists("half")?, redis.length("list")?]))
});

function!(get, "get", |io, asked| {
    Ok(json!(io.redis().get(&asked.key)?.map(|value| value.bytes().len())))
});

function!(put, "put", |io, asked| {
    let value = if asked.size > 0 { "v".repeat(asked.size) } else { asked.value.clone() };
    io.redis().set(&asked.key, value).always()?;
    Ok(Value::Null)
});

function!(delete, "delete", |io, asked| Ok(json!(io.redis().delete([&asked.key])?)));

function!(pop, "pop", |io, asked| {
    Ok(json!(io.redis().pop_left(&asked.key)?.map(|value| value.bytes().len())))
});

function!(publish, "publish", |io, asked| {
    Ok(json!(io.redis().publish(&asked.key, &asked.value)?))
});

function!(all_of, "all-of", |io, asked| {
    let redis = io.redis();
    Ok(json!(match asked.value.as_str() {
        "hash" => redis.hash_all(&asked.key)?.len(),
        "list" => redis.range(&asked.key, 0, -1)?.len(),
        "sorted" => redis.sorted_range(&asked.key, 0.0, f64::INFINITY, u32::MAX)?.len(),
        _ => redis.set_members(&asked.key)?.len(),
    }))
});

// Gives a text to every function as everything that it may be.
function!(everywhere, "everywhere", |io, asked| {
    let (redis, text) = (io.redis(), asked.value.as_str());
    redis.set(text, text).always()?;
    redis.set(format!("if {text}"), text).expires_in(Duration::from_secs(9)).if_absent()?;
    redis.exists(text)?;
    redis.expire(text, Duration::from_secs(9))?;
    redis.expires_in(text)?;
    redis.increment(&format!("number {text}"), 1)?;
    redis.hash_set(&format!("hash {text}"), [(text, text)])?;
    redis.hash_increment(&format!("hash {text}"), "n", 1)?;
    redis.hash_delete(&format!("hash {text}"), ["none"])?;
    redis.push_left(&format!("list {text}"), [text, text])?;
    redis.push_right(&format!("list {text}"), [text])?;
    redis.trim(&format!("list {text}"), 0, 1)?;
    redis.set_add(&format!("set {text}"), [text])?;
    redis.set_remove(&format!("set {text}"), ["none"])?;
    redis.sorted_add(&format!("sorted {text}"), [(1.0, text)])?;
    redis.publish(text, text)?;
    redis.scan(text, 0)?;
    let all = redis.transaction().unchanged(text, text).set(text, text).publish(text, text);
    all.set_add(format!("set {text}"), text).push_left(format!("list {text}"), text).run()?;
    // What went in comes out again, wherever it was.
    let text = text.as_bytes();
    let seen = [
        redis.get(&asked.value)?.is_some_and(|value| value.bytes() == text),
        redis
            .hash_get(&format!("hash {}", asked.value), &asked.value)?
            .is_some_and(|value| value.bytes() == text),
        redis
            .pop_left(&format!("list {}", asked.value))?
            .is_some_and(|value| value.bytes() == text),
        redis.set_contains(&format!("set {}", asked.value), &asked.value)?,
        redis.sorted_score(&format!("sorted {}", asked.value), &asked.value)? == Some(1.0),
    ];
    Ok(json!(seen))
});

// Asks for so many keys in one call.
function!(many_keys, "many-keys", |io, asked| {
    let keys: Vec<String> = (0..asked.times).map(|n| format!("k{n}")).collect();
    Ok(json!(io.redis().delete(&keys)?))
});

// Has so many commands in one transaction.
function!(many_commands, "many-commands", |io, asked| {
    let mut all = io.redis().transaction();
    for n in 0..asked.times {
        all = all.set(format!("k{n}"), "v");
    }
    Ok(json!(all.run()?))
});

function!(count, "count", |io, asked| Ok(json!(io.redis().increment(&asked.key, 1)?)));

function!(scan, "scan", |io, asked| {
    let (mut keys, mut cursor) = (Vec::new(), Some(0));
    while let Some(at) = cursor {
        let page = io.redis().scan(&asked.key, at)?;
        keys.extend(page.keys);
        cursor = page.next;
    }
    keys.sort();
    keys.dedup();
    Ok(json!(keys))
});

/// Adds to a number so often, each time by reading it and setting it if it is unchanged.
#[function(id = "race", on("testing/redis.asked"), retries = 4)]
async fn race(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
    let asked: Asked = serde_json::from_value(event.data.clone()).map_err(Error::stop)?;
    ctx.step("race", async |io: Io| {
        let (redis, mut lost) = (io.redis(), 0_u32);
        for _ in 0..asked.times {
            loop {
                let seen = redis.get("raced")?;
                let next = seen.as_ref().map(Bytes::json::<u32>).transpose()?.unwrap_or(0) + 1;
                let all = redis.transaction().set("raced", next.to_string());
                let all = all.push_right("log", next.to_string());
                let all = match &seen {
                    Some(seen) => all.unchanged("raced", seen.bytes()),
                    None => all.absent("raced"),
                };
                if all.run()? {
                    break;
                }
                lost += 1;
            }
        }
        Ok(json!(lost))
    })
    .await
}

/// Calls it where no step runs.
#[function(id = "outside", on("testing/redis.asked"), retries = 4)]
async fn outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<bool> {
    Ok(raw::get("k").is_ok())
}

system_bus_sdk::component![
    strings,
    hashes,
    lists,
    sets,
    transactions,
    half,
    get,
    put,
    delete,
    pop,
    publish,
    all_of,
    everywhere,
    many_keys,
    many_commands,
    count,
    scan,
    race,
    outside
];
