//! Who gets a call, and who waits.

use super::World;
use crate::gateway::board::{ConnectionId, Hello};

const UNFIT: &str = "connect_no_healthy_connection";

#[test]
fn a_call_without_any_connection_waits_and_costs_nothing() {
    let mut world = World::new();
    assert!(!world.has_room());
    // Made all the same, because the last connection left meanwhile.
    world.call();
    assert_eq!(world.ended, ["returned"]);
    let id = world.join(|_| {});
    assert!(world.has_room());
    world.call();
    assert_eq!(world.went_to(), [id]);
}

#[test]
fn connections_that_are_there_but_unfit_cost_an_attempt_at_once() {
    type Prepare = fn(&mut World) -> ConnectionId;
    let rows: [(&str, Prepare); 3] = [
        ("not ready yet", |world| world.join(|hello| hello.manual = true)),
        ("without a heartbeat for two intervals", |world| {
            let id = world.join(|_| {});
            world.pass(20);
            id
        }),
        ("of another function", |world| {
            world.join(|hello| {
                hello.apps.get_mut("app").expect("an app").slugs = ["g".to_owned()].into();
            })
        }),
    ];
    for (name, prepare) in rows {
        let mut world = World::new();
        let id = prepare(&mut world);
        assert!(world.has_room(), "{name}: the queue does not look that closely");
        world.call();
        assert_eq!(world.ended, [UNFIT], "{name}");
        world.leave(id);
        assert!(!world.has_room(), "{name}: without it, calls wait");
    }
}

#[test]
fn a_connection_says_itself_when_it_is_ready_and_a_heartbeat_makes_a_silent_one_fit_again() {
    let mut world = World::new();
    let manual = world.join(|hello| hello.manual = true);
    world.board.ready(manual);
    world.call();
    assert_eq!(world.went_to(), [manual]);
    world.pass(29);
    world.board.heard(manual, world.now);
    world.call();
    assert_eq!(world.went_to(), [manual, manual]);
    world.pass(49);
    assert!(world.cut.is_empty());
    world.pass(1);
    assert_eq!(world.cut, [manual], "fifty seconds without a heartbeat");
}

#[test]
fn a_paused_connection_gets_nothing_more_and_its_successor_is_looked_for_ten_times() {
    for (successor_after, ended) in [(6, None), (9, None), (11, Some(UNFIT))] {
        let mut world = World::new();
        let paused = world.join(|_| {});
        world.board.pause(paused);
        world.board.ready(paused);
        assert!(world.has_room());
        world.call();
        world.pass(successor_after);
        let successor = world.join(|_| {});
        world.pass(1);
        assert_eq!(world.ended.first().map(String::as_str), ended, "{successor_after}");
        let to = if ended.is_none() { vec![successor] } else { vec![] };
        assert_eq!(world.went_to(), to, "{successor_after}");
    }
    // That the paused one leaves meanwhile changes nothing.
    let mut world = World::new();
    let paused = world.join(|_| {});
    world.board.pause(paused);
    world.call();
    world.leave(paused);
    world.pass(3);
    let successor = world.join(|_| {});
    world.pass(1);
    assert_eq!(world.went_to(), [successor]);
}

#[test]
fn no_instance_gets_more_than_it_takes() {
    type Row = (&'static str, &'static [(&'static str, Option<usize>)], usize);
    let rows: [Row; 5] = [
        ("one with a limit", &[("i", Some(2))], 2),
        ("two instances", &[("i", Some(2)), ("j", Some(1))], 3),
        ("two connections of one instance", &[("i", Some(1)), ("i", Some(1))], 1),
        ("the newest word of an instance counts", &[("i", Some(1)), ("i", Some(3))], 3),
        ("without a limit", &[("i", None)], 1_000),
    ];
    for (name, connections, most) in rows {
        let mut world = World::new();
        for (instance, limit) in connections {
            world.join(|hello| {
                hello.instance = (*instance).to_owned();
                hello.limit = *limit;
            });
        }
        let mut first = String::new();
        for n in 0..most {
            assert!(world.has_room(), "{name}");
            let id = world.call();
            if n == 0 {
                first = id;
            }
        }
        assert!(!world.has_room(), "{name}");
        world.call();
        assert_eq!(world.ended, ["returned"], "{name}");
        world.acknowledge(&first);
        world.reply(&first, "1");
        assert!(world.has_room(), "{name}: a slot is free again");
    }
}

#[test]
fn one_look_at_the_room_gives_each_slot_away_once() {
    let mut world = World::new();
    let serves = |slugs: &[&str]| {
        let slugs = slugs.iter().map(|slug| (*slug).to_owned()).collect();
        move |hello: &mut Hello| {
            hello.limit = Some(2);
            hello.apps.get_mut("app").expect("an app").slugs = slugs;
        }
    };
    world.join(serves(&["f", "g"]));
    let mut room = world.board.room(world.now);
    assert!(room.take("app", "f") && room.take("app", "g"));
    assert!(!room.take("app", "f") && !room.take("app", "g"));
    assert!(!room.take("other", "f"), "an app without connections");
}

#[test]
fn slots_of_a_dead_process_stay_taken_until_its_calls_end() {
    let mut world = World::new();
    let dead = world.join(|hello| hello.limit = Some(1));
    let call = world.call();
    world.acknowledge(&call);
    world.leave(dead);
    let id = world.join(|hello| hello.limit = Some(1));
    assert!(!world.has_room());
    // Answered in the dead one's name.
    world.reply(&call, "1");
    assert!(world.has_room());
    world.call();
    assert_eq!(world.went_to(), [dead, id]);
}

#[test]
fn a_stopping_engine_leaves_what_finds_nobody_for_its_next_life() {
    let mut world = World::new();
    let id = world.join(|_| {});
    let first = world.call();
    let second = world.call();
    world.acknowledge(&second);
    world.board.drain();
    world.leave(id);
    assert_eq!(world.ended, ["returned"], "{first} was not acknowledged");
    world.join(|_| {});
    world.call();
    assert_eq!(world.ended, ["returned", "returned"], "nothing new goes out");
    assert_eq!(world.board.under_way(), 1);
    world.board.give_up();
    assert_eq!(world.board.under_way(), 0);
}
