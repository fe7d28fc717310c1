//! Attempts with requests, and with the secrets that stand in them.

use system_bus_sdk::http::{HttpError, Response};
use system_bus_sdk::prelude::*;

use super::attempts;

/// Sends a request to each address, and follows where it is sent on to.
#[function(id = "tries-requests", on("testing/requests.tried"), retries = 1)]
pub(super) async fn tries_requests(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let mut all = Vec::new();
        for url in attempts::<String>(&event)? {
            all.push(match follow(&io, url).await {
                Ok(response) => format!("answered {}", response.status),
                Err(error) => format!("{:?}: {error}", error.kind()),
            });
        }
        Ok(all)
    })
    .await
}

async fn follow(io: &Io, url: String) -> Result<Response, HttpError> {
    let mut response = io.http().get(url).send().await?;
    while let Some(next) = response.header("location").map(str::to_owned) {
        response = io.http().get(next).send().await?;
    }
    Ok(response)
}

/// What is tried with a secret.
#[derive(Deserialize)]
struct WithSecret {
    secret: String,
    to: String,
    how: String,
}

/// Lets a server send the secret back, and does with it what nobody should.
#[function(id = "tries-secrets", on("testing/secrets.tried"), retries = 1)]
pub(super) async fn tries_secrets(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let mut all = Vec::new();
        for attempt in attempts::<WithSecret>(&event)? {
            let token = io.secrets().placeholder(&attempt.secret)?;
            let request = io.http().get(&attempt.to).header("x-key", token.as_str());
            let secret = request.send().await?.text()?;
            match attempt.how.as_str() {
                "print" => {
                    println!("it is {secret}");
                    log::error!("it is {secret}");
                    all.push("printed".to_owned());
                }
                "return" => all.push(secret),
                "return-placeholder" => all.push(token.as_str().to_owned()),
                "panic" => panic!("it is {secret}"),
                "fail" => return Err(Error::stop(format!("it is {secret}"))),
                other => all.push(format!("{other} is no attempt")),
            }
        }
        Ok(all)
    })
    .await
}
