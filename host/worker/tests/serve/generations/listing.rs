//! `GET /api/generations` and `GET /api/functions`, and what is freed of what they list.

use std::time::Duration;

use protocol::role::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Field, begin, versioned};
use crate::bus::deployed;
use crate::call::Request;
use crate::until;

#[tokio::test]
async fn generations_lists_what_is_active_what_was_and_what_is_in_memory() {
    let field = Field::start().await;
    field.deploy("versioned", &versioned("2")).await;
    let active = protocol::digest::Digest::of(versioned("2").bytes()).to_string();
    let old = protocol::digest::Digest::of(versioned("1").bytes()).to_string();
    field.says("versioned", &begin().await, &[]).await;
    let seen = field.generations().await;
    assert_eq!(seen["generation"], 2);
    assert_eq!(seen["digest"].as_str().map(str::len), Some(64));
    assert_eq!(
        seen["functions"],
        json!([
            {"function": "versioned", "component": "versioned", "digest": active, "home": "cluster",
             "mode": "latest-compatible", "calls": 1, "verdicts": {"moved": 0, "stayed": {}}},
            {"function": "versioned-pinned", "component": "versioned", "digest": active, "home": "cluster",
             "mode": "pinned", "calls": 0, "verdicts": {"moved": 0, "stayed": {}}},
        ])
    );
    let functions = json!(["versioned", "versioned-pinned"]);
    let component =
        json!({"name": "versioned", "digest": active, "functions": functions, "calls": 0});
    assert_eq!(seen["components"], json!([component]));
    assert_eq!(seen["old"], json!([{"digest": old, "calls": 0}]));
    let history = seen["history"].as_array().expect("lines");
    let lines: Vec<_> = history.iter().map(|line| (&line["generation"], &line["digest"])).collect();
    let (newest, oldest) = ((&json!(2), &json!(active)), (&json!(1), &json!(old)));
    assert_eq!(lines, [newest, newest, oldest, oldest]);
    assert!(history.iter().all(|line| line["at"].is_string() && line["percent"] == 100.0));
    field.end().await;
}

#[tokio::test]
async fn functions_lists_those_of_the_role_and_what_forced_the_others_away() {
    let deployed = deployed(&[guests::TWO_HOMES, guests::IMPORT_FILES]).await;
    let field = Field::of(deployed, |options| options.role = Role::Host).await;
    let seen = field.bus.send(Request::new(Method::GET, "/api/functions")).await.json();
    assert_eq!(
        (&seen["role"], &seen["app"], &seen["generation"]),
        (&json!("host"), &json!("bus"), &json!(1))
    );
    let ids = |list: &Value| -> Vec<String> {
        let all = list.as_array().expect("a list").iter();
        all.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&seen["elsewhere"]), ["anywhere"]);
    assert_eq!(seen["elsewhere"][0]["forced_by"], json!([]));
    let here = seen["functions"].as_array().expect("functions");
    assert_eq!(seen["count"], here.len());
    for one in here {
        let forced = one["forced_by"].to_string();
        let says =
            if one["id"] == "asks-for-a-host" { "asks for a host" } else { "wasi:filesystem" };
        assert!(forced.contains(says), "{one}");
        assert_eq!(one["home"], "host");
    }
    assert!(ids(&seen["functions"]).contains(&"asks-for-a-host".to_owned()) && here.len() > 1);
    assert_eq!((&seen["retired"], &seen["duplicates"]), (&json!([]), &json!([])));
    assert_eq!(seen["registration"]["state"], "synced");
    field.end().await;
}

#[tokio::test]
async fn several_reloads_leave_nothing_old_in_memory() {
    let field = Field::with(|options| options.idle = Duration::ZERO).await;
    let registry = &field.bus.deployed.registry;
    for version in ["2", "3", "4", "5", "6"] {
        field.deploy("versioned", &versioned(version)).await;
        let one = format!("{version}.one");
        assert_eq!(field.says("versioned", &begin().await, &[]).await, one);
    }
    until("one version is left", async || registry.in_memory_count() == 1).await;
    assert_eq!(field.generations().await["old"], json!([]));
    field.end().await;
}
