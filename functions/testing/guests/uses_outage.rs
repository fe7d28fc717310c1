//! Works while what it needs comes and goes, and reports every attempt of it.
#![cfg(target_family = "wasm")]
#![no_main]

use std::collections::BTreeMap;
use std::time::Instant;

use system_bus_sdk::prelude::*;

/// What an event asks for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    /// Where to report to.
    count: String,
    /// A key of Redis, or a file.
    name: String,
    /// A root.
    root: String,
    /// An address.
    url: String,
    /// Bytes of a file.
    size: usize,
}

impl Asked {
    /// Reports one word.
    async fn reports(&self, io: &Io, word: &str) -> Result<()> {
        io.http().post(format!("{}/{word}", self.count)).send().await?.ok()?;
        Ok(())
    }
}

/// Milliseconds since then.
fn since(began: Instant) -> u128 {
    began.elapsed().as_millis()
}

/// Keeps a key, then tells people; says whether they heard of it. Each attempt to keep it is reported, and so is the reason
/// of each refusal with how long it took.
#[function(id = "keeps", on("testing/keeps.requested"), retries = 4)]
async fn keeps(ctx: Ctx, event: Incoming<Asked>) -> Result<bool> {
    let asked = &event.data;
    ctx.step("keep", async |io| {
        asked.reports(&io, "attempt").await?;
        let began = Instant::now();
        let kept = io.redis().set(&asked.name, "kept").always();
        let took = since(began);
        let word = match &kept {
            Ok(()) => "Done".to_owned(),
            Err(refused) => format!("{:?}", refused.reason()),
        };
        asked.reports(&io, &format!("{word}.{took}")).await?;
        kept?;
        Ok(())
    })
    .await?;
    ctx.step("tell", async |io| {
        let began = Instant::now();
        let told = io.gateway().progress("kept", &());
        asked.reports(&io, &format!("Told.{}", since(began))).await?;
        Ok(told.pushed)
    })
    .await
}

/// Writes a file.
#[function(id = "writes", on("testing/writes.requested"), retries = 4)]
async fn writes(ctx: Ctx, event: Incoming<Asked>) -> Result<()> {
    let asked = &event.data;
    ctx.step("write", async |io| {
        asked.reports(&io, "attempt").await?;
        Ok(io.fs().root(&asked.root).write(&asked.name, vec![b'w'; asked.size])?)
    })
    .await
}

/// The files of a root, with their sizes.
#[function(id = "looks", on("testing/looks.requested"), retries = 4)]
async fn looks(ctx: Ctx, event: Incoming<Asked>) -> Result<BTreeMap<String, u64>> {
    ctx.step("look", async |io| {
        let root = io.fs().root(&event.data.root);
        let files = root.list("")?.into_iter();
        files.map(|file| Ok((file.name.clone(), root.metadata(&file.name)?.size))).collect()
    })
    .await
}

/// Removes a file.
#[function(id = "removes", on("testing/removes.requested"), retries = 4)]
async fn removes(ctx: Ctx, event: Incoming<Asked>) -> Result<()> {
    let asked = &event.data;
    ctx.step("remove", async |io| Ok(io.fs().root(&asked.root).remove(&asked.name)?)).await
}

/// Asks an address; says what became of it, and how many milliseconds it took.
#[function(id = "asks", on("testing/asks.requested"), retries = 4)]
async fn asks(ctx: Ctx, event: Incoming<Asked>) -> Result<(String, u64)> {
    let asked = &event.data;
    ctx.step("ask", async |io| {
        let began = Instant::now();
        let answer = io.http().get(&asked.url).send().await;
        let took = u64::try_from(since(began)).unwrap_or(u64::MAX);
        Ok(match answer {
            Ok(answer) => (format!("{}", answer.status), took),
            Err(error) => (format!("{:?}", error.kind()), took),
        })
    })
    .await
}

system_bus_sdk::component![keeps, writes, looks, removes, asks];
