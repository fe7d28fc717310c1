//! A function that reads its settings, in a step and outside of one.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

/// What is asked for.
#[derive(Deserialize)]
struct Asked {
    key: String,
}

/// The other names under which settings are deployed.
#[allow(missing_docs, unsafe_code, clippy::pedantic, reason = "generated")]
mod deployed {
    wit_bindgen::generate!({
        inline: "
            package testing:names;

            world names {
                import wasi:config/store@0.2.0-draft;
                import wasi:config/runtime@0.2.0-draft;
                import wasi:config/store@0.2.0-draft-2024-09-27;
            }

            package wasi:config@0.2.0-draft {
                interface store {
                    variant error { upstream(string), io(string) }
                    get: func(key: string) -> result<option<string>, error>;
                    get-all: func() -> result<list<tuple<string, string>>, error>;
                }

                interface runtime {
                    variant config-error { upstream(string), io(string) }
                    get: func(key: string) -> result<option<string>, config-error>;
                    get-all: func() -> result<list<tuple<string, string>>, config-error>;
                }
            }

            package wasi:config@0.2.0-draft-2024-09-27 {
                interface store {
                    variant error { upstream(string), io(string) }
                    get: func(key: string) -> result<option<string>, error>;
                    get-all: func() -> result<list<tuple<string, string>>, error>;
                }
            }
        ",
        generate_all,
    });
}

#[function(id = "reads", on("testing/setting.asked"), retries = 4)]
async fn reads(ctx: Ctx, event: Incoming<Asked>) -> Result<(Option<String>, Option<String>)> {
    let key = &event.data.key;
    let within = ctx.step("within", async |io| Ok(io.config(key))).await?;
    Ok((ctx.config(key), within))
}

/// Reads one setting and all of them, under each of the other names.
#[function(id = "reads-by-other-names", on("testing/setting.asked"), retries = 4)]
async fn reads_by_other_names(_ctx: Ctx, event: Incoming<Asked>) -> Result<Value> {
    use deployed::wasi::config0_2_0_draft::{runtime, store};
    use deployed::wasi::config0_2_0_draft_2024_09_27::store as dated;

    let key = &event.data.key;
    let failed = |error| Error::stop(format!("no settings: {error}"));
    Ok(serde_json::json!([
        [
            store::get(key).map_err(|error| failed(error.to_string()))?,
            store::get_all().map_err(|error| failed(error.to_string()))?,
        ],
        [
            runtime::get(key).map_err(|error| failed(error.to_string()))?,
            runtime::get_all().map_err(|error| failed(error.to_string()))?,
        ],
        [
            dated::get(key).map_err(|error| failed(error.to_string()))?,
            dated::get_all().map_err(|error| failed(error.to_string()))?,
        ],
    ]))
}

system_bus_sdk::component![reads, reads_by_other_names];
