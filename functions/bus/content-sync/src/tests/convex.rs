//! A Convex that the test plays, a vault, and a site.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use outside::testing::World;
use serde_json::{Value, json};
use system_bus_sdk::http::{Request, Response};
use system_bus_testing::Kit;

/// What Convex and the site hold and refuse.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) records: BTreeMap<String, Value>,
    pub(crate) upserts: Vec<String>,
    pub(crate) tags: Vec<Value>,
    pub(crate) refuses: Option<&'static str>,
    pub(crate) down: bool,
    pub(crate) deaf: bool,
}

pub(crate) type Shared = Rc<RefCell<Site>>;

/// A vault with a decision, a draft, discoveries of all sorts; an empty site.
pub(crate) fn world(kit: &mut Kit) -> (World, Shared) {
    let world = World::begin();
    world
        .file("vault", "docs/decisions/0001-one.md", "---\ntitle: One\nstatus: accepted\n---\nText")
        .file("vault", "docs/decisions/0002-two.md", "---\nstatus: draft\n---\n# Two")
        .file("vault", "docs/decisions/README.md", "# Decisions")
        .file("vault", "Resources/discoveries/tea.md", "# Tea\nGood.")
        .file("vault", "Resources/discoveries/diary.md", "---\nprivate: true\n---\n")
        .file("vault", "Resources/discoveries/other.md", "---\nsite: elsewhere\n---\n");
    let site = Shared::default();
    let shared = Rc::clone(&site);
    kit.config("CONVEX_URL", "https://convex.test/");
    kit.config("REVALIDATE_URL", "https://site.test/api/revalidate");
    kit.http(move |request| Ok(answer(&shared, request)));
    (world, site)
}

fn answer(site: &Shared, request: &Request) -> Response {
    let mut site = site.borrow_mut();
    let header = |name: &str| {
        let found = request.headers().iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let body: Value = request.body_json().expect("JSON");
    if request.url().starts_with("https://site.test/") {
        assert_eq!(header("x-revalidation-secret"), "<revalidation_secret>");
        site.tags.push(body["tags"].clone());
        return Response::new(if site.deaf { 503 } else { 200 });
    }
    assert_eq!(header("authorization"), "Convex <convex_deploy_key>");
    if site.down {
        return Response::new(502);
    }
    let (path, args) = (body["path"].as_str().expect("a path"), &body["args"]);
    let id = args["resourceId"].as_str().unwrap_or_default().to_owned();
    if site.refuses == Some(id.as_str()) {
        let refusal = json!({ "status": "error", "errorMessage": "too long" });
        return Response::new(200).with_json(&refusal);
    }
    let value = match path {
        "contentResources:listByType" => {
            let of = |record: &&Value| record["type"] == args["type"];
            site.records.values().filter(of).cloned().collect()
        }
        "contentResources:upsert" => {
            site.upserts.push(id.clone());
            site.records.insert(id, args.clone());
            Value::Null
        }
        "contentResources:remove" => {
            site.records.remove(&id);
            Value::Null
        }
        other => panic!("nobody knows {other}"),
    };
    Response::new(200).with_json(&json!({ "status": "success", "value": value }))
}

/// Puts a record there that holds something else.
pub(crate) fn put(site: &Shared, kind: &str, id: &str) {
    let record = json!({ "resourceId": id, "type": kind, "fields": { "contentHash": "old" } });
    site.borrow_mut().records.insert(id.to_owned(), record);
}
