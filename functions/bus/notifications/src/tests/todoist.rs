use outside::testing::World;
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_testing::{Kit, RunStatus};

use super::{event, named, plain, sample};
use crate::{
    Outcome, todoist_comment_notify, todoist_task_completed_notify, todoist_task_created_notify,
};

const COMMENT: &str = include_str!("../../events/todoist-comment-added.json");
const COMPLETED: &str = include_str!("../../events/todoist-task-completed.json");

/// A Todoist that knows the task and its project.
fn knows(kit: &mut Kit) -> World {
    kit.http(|request| {
        let token = ("authorization".to_owned(), "Bearer <todoist_api_token>".to_owned());
        assert!(request.headers().contains(&token));
        let answer = match request.url() {
            "https://api.todoist.com/api/v1/tasks/t1" => {
                json!({ "content": "Buy tea", "labels": ["home"] })
            }
            "https://api.todoist.com/api/v1/projects/p1" => json!({ "name": "House" }),
            _ => return Ok(Response::new(404)),
        };
        Ok(Response::new(200).with_json(&answer))
    });
    World::begin()
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_comment_is_told_once_with_its_task(kit: &mut Kit) {
    let world = knows(kit);
    let run = kit.run::<todoist_comment_notify>(event(COMMENT, &plain()));
    run.assert_steps(["enrich-context", "build-prompt", "notify-gateway"]);
    let heard = world.heard();
    assert_eq!((heard.len(), heard[0].kind.as_str()), (1, "todoist.comment.added"));
    assert_eq!(
        heard[0].payload["prompt"],
        "A comment on: Buy tea\nComment: Which tea?\nProject: House\nLabels: home"
    );
    assert!(!format!("{run:?}").contains("<todoist_api_token>"));
    assert_eq!(world.actions(), ["notify.told"]);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn tasks_are_told_under_their_types(kit: &mut Kit) {
    let world = knows(kit);
    let (_, data) = sample(COMPLETED);
    kit.run::<todoist_task_completed_notify>(event(COMPLETED, &plain()));
    kit.run::<todoist_task_created_notify>(named("todoist/task.created", data, &plain()));
    assert_eq!(world.kinds(), ["todoist.task.completed", "todoist.task.created"]);
    assert_eq!(
        world.heard()[0].payload["prompt"],
        "Completed: Buy tea\nDescription: Green\nProject: House\nLabels: home"
    );
    assert_eq!(world.heard()[1].payload["taskId"], "t1");
}

#[system_bus_sdk::test]
fn what_is_gone_is_told_with_what_is_known(kit: &mut Kit) {
    let world = knows(kit);
    let changed = json!({ "taskId": "t9", "projectId": null, "taskContent": "Old tea" });
    let run = kit.run::<todoist_task_completed_notify>(event(COMPLETED, &changed));
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(world.heard()[0].payload["context"]["project"], "");
}

#[system_bus_sdk::test]
fn a_page_in_place_of_an_answer_fails_for_good(kit: &mut Kit) {
    for answer in [
        Response::new(200).with_header("Content-Type", "text/html; charset=utf-8").with_body("x"),
        Response::new(502).with_body("<!DOCTYPE html>"),
    ] {
        let world = World::begin();
        kit.http(move |_| Ok(answer.clone()));
        let run = kit.run::<todoist_comment_notify>(event(COMMENT, &plain()));
        assert_eq!(run.error().name(), "HtmlAnswer");
        assert_eq!(run.attempts("enrich-context"), 1);
        assert_eq!(world.actions(), ["notify.enrich!"]);
    }
}

#[system_bus_sdk::test]
fn a_todoist_that_is_away_is_asked_again(kit: &mut Kit) {
    let _world = World::begin();
    kit.http(|_| Ok(Response::new(503)));
    let run = kit.run::<todoist_comment_notify>(event(COMMENT, &plain()));
    assert_eq!((run.status, run.attempts("enrich-context")), (RunStatus::Failed, 4));
    let world = knows(kit);
    world.gateway_down();
    let run = kit.run::<todoist_comment_notify>(event(COMMENT, &plain()));
    assert!(!run.output::<Outcome>().pushed);
}
