//! The guests that are not written in Rust, through a server. The runtime's tests look at each call; here the runs end.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::{Server, folder_of, free_address, turn};

const LANGUAGES: [&str; 2] = ["javascript", "python"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn functions_in_other_languages_run_to_their_end() {
    let _turn = turn().await;
    let server = Server::start(None).expect("either mode does");
    let folder = std::env::var_os("SYSTEM_BUS_FOREIGN_GUESTS").map(PathBuf::from).expect(
        "SYSTEM_BUS_FOREIGN_GUESTS names no folder; run functions/testing/foreign/build.sh, and name target/foreign",
    );
    let guests = LANGUAGES.map(|language| folder.join(language).with_extension("wasm"));
    let components = folder_of(&guests.each_ref().map(|guest| guest.to_str().expect("text")));
    let _worker = server.worker(&components, free_address()).await;
    for language in LANGUAGES {
        let run = async |function: &str| {
            let data =
                json!({"failures": 1, "wait": 100, "order": language, "left": 1, "right": 2});
            let event = format!("testing/{language}-{function}.requested");
            server.ended(&server.send(&event, &data).await).await
        };
        let linear = async {
            tokio::select! {
                ended = run("linear") => ended,
                // Only what comes after the wait has begun counts, so it comes again and again.
                () = async {
                    loop {
                        server.send("testing/paid", &json!({ "order": language })).await;
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                } => unreachable!("it never ends"),
            }
        };
        let (linear, parallel, torn, caught, retried, edited, uncaught) = tokio::join!(
            linear,
            run("parallel"),
            run("torn"),
            run("caught"),
            run("retried"),
            run("edited"),
            run("uncaught"),
        );
        let paid = json!({"one": 1, "two": 2, "paid": {"order": language}});
        assert_eq!(linear.result(), paid, "{language}");
        assert_eq!(parallel.result(), json!(6), "{language}");
        assert_eq!(torn.result(), json!("NonRetriableError: no use"), "{language}");
        assert_eq!(caught.result(), json!("NonRetriableError: no use"), "{language}");
        assert_eq!(retried.result(), json!(1), "{language}: the attempt that succeeded");
        assert_eq!(edited.result(), json!(3), "{language}");
        assert_eq!(uncaught.status, "Failed", "{language}");
        let output = uncaught.output.to_string();
        assert!(output.contains("NonRetriableError") && output.contains("no use"), "{output}");
    }
}
