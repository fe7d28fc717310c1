//! Tasks and comments.

use serde_json::json;

use super::{TELLING, lines, notice};
use crate::flows::deliveries::deliver;
use crate::flows::scene::{Ran, Scene};
use crate::flows::site::{Answer, Site};
use crate::flows::stage::Stage;

pub(super) const TOKEN: &str = crate::flows::stage::TODOIST_TOKEN;

/// Todoist's API, with one project that answers with a page.
pub(super) fn site(stage: &Stage) -> Site {
    stage.site(|asked| {
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return Answer::json(401, &json!({}));
        }
        match asked.path.strip_prefix("/api/v1/").unwrap_or_default() {
            "tasks/t_gone" => Answer::json(404, &json!({})),
            "projects/p_page" => Answer::text(200, "text/html", "<!doctype html><p>Sign in</p>"),
            path if path.starts_with("tasks/") => {
                Answer::json(200, &json!({"content": "Buy tea", "labels": ["home"]}))
            }
            _ => Answer::json(200, &json!({"name": "Kitchen"})),
        }
    })
}

pub(super) async fn play(scene: &Scene, site: &Site) {
    let run = told(scene, "note:added", "c1", ("t1", "p1")).await;
    run.assert_steps(&TELLING);
    let payload = notice(scene, &run, "todoist.comment.added", ("commentId", "c1"));
    assert_eq!(
        lines(&payload),
        ["A comment on: Buy tea", "Comment: Which tea?", "Project: Kitchen", "Labels: home"]
    );
    assert_eq!(site.asked_at("/api/v1/tasks/t1").len(), 1);
    assert_eq!(site.asked_at("/api/v1/projects/p1").len(), 1);

    for (name, kind, words) in [
        ("item:completed", "todoist.task.completed", "Completed: Buy tea"),
        ("item:added", "todoist.task.created", "A new task: Buy tea"),
    ] {
        let task = format!("t-{}", &name[5..]);
        let run = told(scene, name, &task, (&task, "p1")).await;
        run.assert_steps(&TELLING);
        let payload = notice(scene, &run, kind, ("taskId", &task));
        assert_eq!(
            (lines(&payload)[0], &payload["context"]["project"]),
            (words, &json!("Kitchen"))
        );
    }

    // A task that is gone is told with what was said of it.
    let run = told(scene, "item:completed", "t_gone", ("t_gone", "p1")).await;
    notice(scene, &run, "todoist.task.completed", ("taskId", "t_gone"));

    // A page in place of an answer means that the address is wrong: nothing is repeated.
    let run = told(scene, "item:completed", "t9", ("t9", "p_page")).await;
    assert_eq!(run.status, "Failed", "{run:?}");
    assert!(run.output.to_string().contains("HtmlAnswer"), "{run:?}");
    assert_eq!(site.asked_at("/api/v1/projects/p_page").len(), 1);
}

async fn told(scene: &Scene, name: &str, id: &str, (task, project): (&str, &str)) -> Ran {
    let mut data =
        json!({"id": id, "content": "Buy tea", "project_id": project, "labels": ["home"]});
    if name == "note:added" {
        data["item_id"] = json!(task);
        data["content"] = json!("Which tea?");
    }
    let delivery = json!({"event_name": name, "event_data": data, "initiator": {"id": "u1"}});
    deliver(scene, "todoist", &delivery, &[("x-todoist-delivery-id", id)]).await;
    let (event, function) = match name {
        "note:added" => ("todoist/comment.added", "todoist-comment-notify"),
        "item:completed" => ("todoist/task.completed", "todoist-task-completed-notify"),
        _ => ("todoist/task.created", "todoist-task-created-notify"),
    };
    scene.follows(function, event, |data| data["taskId"] == task).await
}
