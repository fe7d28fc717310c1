//! Calls over Connect: they go as far as workers have room, and hold up nobody.

use super::*;
use crate::gateway::Room;

/// A world with the function `app-f` over Connect, on `a/b`, and `app-h` over HTTP, on `a/h`.
fn world() -> World {
    let mut world = World::new(|_| answer(200, &json!(null)));
    let mut over_connect = function("app-f", &json!([{"event": "a/b"}]), 0);
    over_connect["steps"]["step"]["runtime"]["url"] = json!("ws://connect?fnId=app-f");
    world.sync(&[over_connect, function("app-h", &json!([{"event": "a/h"}]), 0)]);
    world
}

fn slugs(orders: &[Order]) -> Vec<&str> {
    orders.iter().map(|order| order.names.slug.as_str()).collect()
}

#[test]
fn calls_go_out_as_far_as_there_is_room() {
    let mut world = world();
    for name in ["a/b", "a/b", "a/b", "a/h"] {
        world.send(&json!({"name": name}));
    }
    let now = world.now;
    let orders = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(slugs(&orders), ["app-h"], "a full or absent worker holds up nobody");
    assert!(world.machine.next_due(now).is_none_or(|due| due > now), "nothing is waited for");
    for (slots, sent) in [(0, 0), (2, 2), (5, 1)] {
        world.machine.offer(Room::of("app", "app-f", slots));
        let orders = world.machine.dispatch(now, &mut world.entropy);
        assert_eq!(orders.len(), sent, "{slots}");
        assert!(orders.iter().all(Order::is_connect));
    }
}

#[test]
fn calls_over_connect_do_not_count_among_those_over_http() {
    let mut world = world();
    world.machine.settings.call_concurrency = 1;
    for name in ["a/b", "a/b", "a/h", "a/h"] {
        world.send(&json!({"name": name}));
    }
    let now = world.now;
    world.machine.offer(Room::of("app", "app-f", 9));
    let orders = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(slugs(&orders), ["app-f", "app-f", "app-h"]);
    let over_http = orders.iter().find(|order| !order.is_connect()).expect("a call");
    let reply = Reply::Answered(answer(200, &json!(null)));
    world.machine.replied(over_http.call, reply, now, &mut world.entropy);
    let orders = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(slugs(&orders), ["app-h"]);
}

#[test]
fn a_call_that_found_nobody_is_made_later_and_has_cost_nothing() {
    let mut world = world();
    world.send(&json!({"name": "a/b"}));
    let now = world.now;
    let mut requests = Vec::new();
    for _ in 0..3 {
        world.machine.offer(Room::of("app", "app-f", 1));
        let orders = world.machine.dispatch(now, &mut world.entropy);
        let call = Call::of(&orders[0], now);
        assert_eq!((orders.len(), call.attempt()), (1, 0));
        requests.push(orders[0].names.request.clone());
        world.machine.returned(orders[0].call);
        world.machine.returned(orders[0].call);
    }
    requests.dedup();
    assert_eq!(requests.len(), 3, "each try is a request of its own");
    // One whose run has ended meanwhile is made no more.
    world.machine.offer(Room::of("app", "app-f", 1));
    let orders = world.machine.dispatch(now, &mut world.entropy);
    let run = world.run().id;
    world.cancel(run);
    world.machine.returned(orders[0].call);
    world.machine.offer(Room::of("app", "app-f", 1));
    assert!(world.machine.dispatch(now, &mut world.entropy).is_empty());
}

#[test]
fn calls_that_wait_in_different_lines_leave_in_the_order_in_which_they_came() {
    let mut world = world();
    world.machine.settings.call_concurrency = 2;
    for name in ["a/h", "a/b", "a/h", "a/h", "a/b", "a/h"] {
        world.send(&json!({"name": name}));
        world.now += jiff::SignedDuration::from_secs(1);
    }
    let now = world.now;
    let orders = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(slugs(&orders), ["app-h", "app-h"]);
    world.machine.settings.call_concurrency = 9;
    world.machine.offer(Room::of("app", "app-f", 1));
    let orders = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(slugs(&orders), ["app-f", "app-h", "app-h"]);
    // Called over HTTP from now on, it waits no longer for a connection.
    let over_http = ["app-f", "app-h"].map(|slug| function(slug, &json!([]), 0));
    world.sync(&over_http);
    let moved: Vec<Order> =
        (0..2).flat_map(|_| world.machine.dispatch(now, &mut world.entropy)).collect();
    assert_eq!(slugs(&moved), ["app-f"]);
    assert!(!moved[0].is_connect());
}
