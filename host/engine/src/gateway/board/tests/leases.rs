//! What becomes of a call that a worker has.

use jiff::Timestamp;

use super::World;

const UNFIT: &str = "connect_no_healthy_connection";
const SILENT: &str = "connect_worker_stopped_responding";

#[test]
fn a_call_ends_with_its_first_reply() {
    let mut world = World::new();
    world.join(|_| {});
    let call = world.call();
    world.acknowledge(&call);
    world.reply(&call, "1");
    world.reply(&call, "2");
    world.reply("unknown", "3");
    assert_eq!(world.ended, ["1"]);
}

#[test]
fn a_reply_before_the_acknowledgement_counts_with_it() {
    let mut world = World::new();
    let id = world.join(|_| {});
    let call = world.call();
    world.reply(&call, "1");
    world.reply(&call, "2");
    world.live(&[id], 60);
    assert!(world.ended.is_empty());
    world.acknowledge(&call);
    assert_eq!(world.ended, ["1"]);
}

#[test]
fn an_unacknowledged_call_of_a_lost_socket_moves_at_once() {
    let mut world = World::new();
    let first = world.join(|hello| hello.instance = "a".to_owned());
    let call = world.call();
    let second = world.join(|hello| hello.instance = "b".to_owned());
    world.leave(first);
    assert_eq!(world.went_to(), [first, second]);
    assert_eq!(world.sent[0].1, world.sent[1].1, "the same request, lease included");
    world.acknowledge(&call);
    world.reply(&call, "1");
    assert_eq!(world.ended, ["1"]);
    // With nobody else there the attempt is lost.
    world.call();
    world.leave(second);
    assert_eq!(world.ended, ["1", UNFIT]);
}

#[test]
fn an_unacknowledged_call_on_a_live_socket_comes_again_after_lease_and_grace() {
    let mut world = World::new();
    let id = world.join(|hello| hello.limit = Some(1));
    let call = world.call();
    world.live(&[id], 124);
    assert_eq!(world.sent.len(), 1);
    world.live(&[id], 1);
    assert_eq!(world.sent.len(), 2);
    assert_eq!(world.sent[0].1, world.sent[1].1);
    world.acknowledge(&call);
    world.live(&[id], 124);
    assert!(world.ended.is_empty(), "its lease began anew");
    world.live(&[id], 1);
    assert_eq!(world.ended, [SILENT]);
}

#[test]
fn an_acknowledged_call_ends_with_its_lease_whether_the_socket_lives_or_not() {
    for socket_lives in [true, false] {
        let mut world = World::new();
        let id = world.join(|_| {});
        let call = world.call();
        world.acknowledge(&call);
        if !socket_lives {
            world.leave(id);
        }
        world.live(&[id], 124);
        assert!(world.ended.is_empty(), "{socket_lives}");
        world.live(&[id], 1);
        assert_eq!(world.ended, [SILENT], "{socket_lives}");
        world.reply(&call, "1");
        assert_eq!(world.ended.len(), 1, "a late reply changes nothing");
        let lease = world.sent[0].1.lease_id.clone();
        assert_eq!(world.extend(&call, &lease), None, "nor does a late extension");
    }
}

#[test]
fn a_lease_is_extended_for_as_long_as_the_worker_asks() {
    let mut world = World::new();
    let id = world.join(|_| {});
    let call = world.call();
    world.acknowledge(&call);
    let first = world.sent[0].1.lease_id.clone();
    let mut lease = first.clone();
    for _ in 0..10 {
        world.live(&[id], 30);
        lease = world.extend(&call, &lease).expect("a lease");
    }
    assert_eq!(world.extend(&call, &first), Some(lease), "an older id is told the latest");
    let foreign = "01M81GEH2NXAJFC1G2XF3K4RVH";
    assert_eq!(world.extend(&call, foreign), None);
    world.reply(&call, "1");
    assert_eq!(world.ended, ["1"]);
}

#[test]
fn the_clock_is_needed_when_something_is_due() {
    let mut world = World::new();
    assert_eq!(world.board.next_due(), None);
    world.join(|_| {});
    let seconds = |world: &World| world.board.next_due().map(Timestamp::as_second);
    assert_eq!(seconds(&world), Some(50), "no heartbeat for five intervals");
    world.pass(40);
    let paused = world.join(|_| {});
    world.board.pause(paused);
    let first = world.board.connections().next().map(|(id, _)| *id).expect("a connection");
    world.leave(first);
    world.call();
    assert_eq!(seconds(&world), Some(41), "the next look for a successor");
}
