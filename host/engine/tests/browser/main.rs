//! The page in a real Chromium: no error in its console, reachable for everybody, at every width, dark and light.
//!
//! Without a Chromium this says so and passes; where `CI` is set it fails instead. `SYSTEM_BUS_SCREENSHOTS` names a folder
//! for pictures of every view.
#![expect(clippy::pedantic, unreachable_pub, reason = "a test binary has no public interface")]

mod chromium;
mod rows;
mod scene;

use self::chromium::{Browser, Look};
use self::scene::Scene;

/// What a browser finds wrong with the document it shows.
const CHECKS: &str = include_str!("checks.js");

const LOOKS: [Look; 4] = [
    Look { name: "desktop-light", width: 1280, height: 900, phone: false, dark: false },
    Look { name: "desktop-dark", width: 1280, height: 900, phone: false, dark: true },
    Look { name: "phone-light", width: 390, height: 844, phone: true, dark: false },
    Look { name: "phone-dark", width: 390, height: 844, phone: true, dark: true },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_is_fit_for_everybody() {
    let Some(mut browser) = Browser::start().await else {
        let missing = "no chromium on this machine; install it (Debian: chromium) to test the page in a browser";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci == "false"), "{missing}");
        println!("left out: {missing}");
        return;
    };
    let scene = Scene::set().await;
    let pictures = std::env::var_os("SYSTEM_BUS_SCREENSHOTS").map(std::path::PathBuf::from);
    let mut problems = Vec::new();
    for look in LOOKS {
        browser.look(&look).await;
        for (name, path) in &scene.views {
            let place = format!("{name} at {}", look.name);
            browser.open(&format!("http://{}{path}", scene.address())).await;
            let found = browser.evaluate(CHECKS).await;
            let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}")).clone();
            problems.extend(found.iter().map(|problem| format!("{place}: {problem}")));
            if let Some(folder) = &pictures {
                let picture = browser.picture().await;
                std::fs::create_dir_all(folder).expect("a folder for pictures");
                let file = folder.join(format!("{name}-{}.png", look.name));
                std::fs::write(file, picture).expect("a picture");
            }
        }
    }
    problems.extend(browser.errors().iter().map(|error| format!("console: {error}")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    browser.end().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_find_what_is_wrong() {
    let Some(mut browser) = Browser::start().await else { return };
    browser.look(&LOOKS[0]).await;
    let wrong = "<h1>a</h1><h3>b</h3><button></button><input><img src=data:,><p style='color:#999'>pale</p>\
                 <div style='width:3000px'>wide</div><p id=x>x</p><p id=x>x</p>";
    browser.open(&format!("data:text/html,<!doctype html>{}", wrong.replace('#', "%23"))).await;
    let found = browser.evaluate(CHECKS).await.to_string();
    for says in [
        "no lang",
        "no title",
        "landmarks",
        "heading 3 follows 1",
        "button has no name",
        "input has no name",
        "img has no alt",
        "contrast",
        "wider than the window",
        "id x is there twice",
    ] {
        assert!(found.contains(says), "{says}: {found}");
    }
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_are_shown_without_being_asked_and_a_form_sends_an_event() {
    let Some(mut browser) = Browser::start().await else { return };
    let scene = Scene::set().await;
    browser.look(&LOOKS[0]).await;
    browser.open(&format!("http://{}/", scene.address())).await;
    let first = "document.querySelector('tbody th')?.textContent";
    assert_eq!(browser.evaluate(first).await, "shop-count");
    scene.client.send(&serde_json::json!({"name": "shop/order.paid", "data": {}})).await;
    browser.until(&format!("{first} === 'shop-ship-order'")).await;

    browser.open(&format!("http://{}/send?name=shop/order.paid", scene.address())).await;
    // With a mistake first: what was written is still there when it is mended.
    let field = |name: &str| format!("document.getElementById('of.{name}')");
    for (name, value) in [
        ("text.optional.note", "by hand"),
        ("number.required.total", "many"),
        ("json.required.lines", "[]"),
    ] {
        browser.evaluate(&format!("{}.value = '{value}'", field(name))).await;
    }
    let send = "document.querySelector('main form button').click()";
    browser.evaluate(send).await;
    browser.until("document.body?.innerText.includes('is not a number')").await;
    // The answer that says so is of that status, and a browser notes it.
    browser.forgive("400");
    browser.evaluate(&format!("{}.value = '12.5'", field("number.required.total"))).await;
    browser.evaluate(send).await;
    browser.until("location.pathname.startsWith('/events/')").await;
    browser.until("document.body?.innerText.includes('\"note\": \"by hand\"')").await;
    assert_eq!(browser.errors(), &[] as &[String]);
    browser.end().await;
    scene.end().await;
}
