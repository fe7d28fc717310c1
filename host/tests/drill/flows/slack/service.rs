//! Slack, as far as the functions ask it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// The token of the person whose history it is.
pub(super) const TOKEN: &str = "xoxp-drill-5519200311";

pub(super) struct Slack {
    pub(super) site: Site,
}

impl Slack {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let seen: Mutex<BTreeSet<String>> = Mutex::default();
        let site = stage.site(move |asked| {
            let first = |what: &str| seen.lock().expect("nobody panics").insert(what.to_owned());
            answer(asked, &first)
        });
        Self { site }
    }

    /// What was asked of this method about a channel, or whatever else the query names.
    pub(super) fn asked(&self, method: &str, about: &str) -> Vec<Asked> {
        let all = self.site.asked_at(&format!("/api/{method}"));
        all.into_iter().filter(|asked| asked.query.values().any(|value| value == about)).collect()
    }

    pub(super) fn assert_asked_with_the_token(&self) {
        for asked in self.site.asked() {
            assert_eq!(asked.method, "GET", "{asked:?}");
            assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"));
            assert!(!asked.headers.contains_key("x-typesense-api-key"), "{asked:?}");
        }
    }
}

pub(super) fn message(ts: &str, user: &str) -> Value {
    json!({"type": "message", "ts": ts, "user": user, "text": format!(" said at {ts} ")})
}

fn refused(error: &str) -> Answer {
    Answer::json(200, &json!({"ok": false, "error": error}))
}

fn slower() -> Answer {
    Answer::json(429, &json!({"ok": false, "error": "ratelimited"})).with("retry-after", "1")
}

/// `first` says whether something is asked for the first time.
fn answer(asked: &Asked, first: &dyn Fn(&str) -> bool) -> Answer {
    let of = |name: &str| asked.query.get(name).map_or("", String::as_str);
    match asked.path.strip_prefix("/api/").unwrap_or_default() {
        "conversations.history" => history(of("channel"), of("cursor"), of("latest"), first),
        "conversations.replies" => replies(of("channel"), of("ts"), of("cursor"), first),
        "users.info" => user(of("user")),
        "search.messages" => search(of("query"), of("page")),
        _ => refused("unknown_method"),
    }
}

fn page(messages: &Value, next: Option<&str>) -> Answer {
    Answer::json(
        200,
        &json!({
            "ok": true,
            "messages": messages,
            "has_more": next.is_some(),
            "response_metadata": {"next_cursor": next.unwrap_or_default()},
        }),
    )
}

fn history(channel: &str, cursor: &str, latest: &str, first: &dyn Fn(&str) -> bool) -> Answer {
    let mut thread = message("3000.1", "U1");
    thread["reply_count"] = json!(3);
    thread["thread_ts"] = json!("3000.1");
    match (channel, cursor) {
        ("C-TEA", "") => {
            thread["reactions"] = json!([{"name": "eyes", "count": 2}, {"name": "eyes"}]);
            let joined = json!({"ts": "2000.1", "subtype": "channel_join", "user": "U9"});
            let bot = json!({"ts": "2000.2", "subtype": "bot_message", "text": ""});
            page(&json!([thread, joined, bot]), Some("more = &"))
        }
        ("C-TEA", "more = &") => page(&json!([message("1500.1", "U-GONE")]), None),
        ("C-HQ", _) => {
            let mut refused = message("1600.1", "U1");
            refused["text"] = json!("refused by the index");
            page(&json!([refused, message("1500.1", "U2")]), None)
        }
        ("slower", _) if first("slower") => slower(),
        ("slower", _) => page(&json!([message("4000.1", "U1"), thread]), None),
        ("broken", _) if first("broken") => Answer::text(500, "text/plain", "oops"),
        ("broken", _) => page(&json!([message("1500.1", "U1")]), None),
        ("down", _) => Answer::text(503, "text/plain", "maintenance"),
        // A hundred pages and one more.
        ("endless", cursor) if latest == "9000" => {
            let number: u32 = cursor.parse().unwrap_or(1);
            let ts = format!("{}.1", 8000 - number);
            page(&json!([message(&ts, "U1")]), Some(&(number + 1).to_string()))
        }
        ("endless", _) => page(&json!([message("7900.1", "U1"), message("1001.1", "U1")]), None),
        _ => refused("channel_not_found"),
    }
}

fn replies(channel: &str, ts: &str, cursor: &str, first: &dyn Fn(&str) -> bool) -> Answer {
    if channel == "slower" && first("slower replies") {
        return slower();
    }
    let reply = |at: &str, user: &str| {
        let mut reply = message(at, user);
        reply["thread_ts"] = json!(ts);
        reply
    };
    // The first one is the message itself, on each page.
    let own = reply(ts, "U1");
    match cursor {
        "" => page(&json!([own, reply("3001.1", "U2"), reply("3002.1", "U1")]), Some("next")),
        _ => page(&json!([own, reply("3003.1", "U3")]), None),
    }
}

/// People have names of several kinds; one of them is not known.
fn user(id: &str) -> Answer {
    let user = match id {
        "U1" => json!({"profile": {"display_name": "Ada"}, "real_name": "Ada L."}),
        "U2" => json!({"profile": {"display_name": ""}, "real_name": "Grace H."}),
        "U3" => json!({"name": "joan"}),
        _ => return refused("user_not_found"),
    };
    Answer::json(200, &json!({"ok": true, "user": user}))
}

fn search(query: &str, number: &str) -> Answer {
    let found = |ts: &str, channel: &str| {
        let mut found = message(ts, "U3");
        found["channel"] = json!({"id": channel});
        found["username"] = json!("joan");
        found
    };
    let (matches, pages) = match (query, number) {
        ("in:#cc-tea", "1") => (json!([found("4000.1", "C-TEA")]), 2),
        // One of another channel, and one from before.
        ("in:#cc-tea", _) => (json!([found("4001.1", "C-HQ"), found("1.1", "C-TEA")]), 2),
        ("in:#egghead-hq", _) => return refused("missing_scope"),
        _ => (json!([]), 0),
    };
    let paging = json!({"pages": pages});
    Answer::json(200, &json!({"ok": true, "messages": {"matches": matches, "paging": paging}}))
}
