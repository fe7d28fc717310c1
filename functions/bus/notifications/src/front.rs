//! Mails.

mod context;
mod events;

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

use self::context::Context;
pub use self::events::{
    AssigneeChanged, ChannelMessage, FrontMessage, MessageReceived, MessageSent, VipEmail,
};
use crate::COMPONENT;
use crate::notice::{Outcome, line, tell};
use crate::settings::Settings;

/// Tells of a mail, and hands those of important senders on.
#[function(
    id = "front-message-received-notify",
    name = "Front: message received",
    on(MessageReceived),
    retries = 3
)]
pub async fn front_message_received_notify(ctx: Ctx, event: MessageReceived) -> Result<Outcome> {
    let (settings, mail) = (Settings::read(&ctx), event.mail);
    let context = ctx
        .step("enrich-context", async |io| context::of(&io, &mail.conversation_id, &settings).await)
        .await?;
    // A step of its own and an id of the mail's: indexed once, whatever is tried again.
    let indexed = Outgoing::of(&ChannelMessage::of(&mail));
    ctx.send("index-message", indexed.id(format!("front-index-{}", mail.key()))).await?;

    if settings.is_vip(&mail.from) {
        let vip = Outgoing::of(&VipEmail::of(&mail, &context.tags));
        ctx.send("emit-vip-email-received", vip.id(format!("front-vip-{}", mail.key()))).await?;
        Note::of(COMPONENT, "notify.vip").with("conversationId", &mail.conversation_id).done(&ctx);
        let (status, kind) = ("handed-off".to_owned(), "vip/email.received".to_owned());
        return Ok(Outcome { status, kind, pushed: false });
    }
    let details = mail.details(&context);
    tell(&ctx, "front.message.received", &details, || mail.words("Mail from", &context)).await
}

/// Tells of a mail that was sent.
#[function(
    id = "front-message-sent-notify",
    name = "Front: message sent",
    on(MessageSent),
    retries = 3
)]
pub async fn front_message_sent_notify(ctx: Ctx, event: MessageSent) -> Result<Outcome> {
    let (settings, mail) = (Settings::read(&ctx), event.mail);
    let context = ctx
        .step("enrich-context", async |io| context::of(&io, &mail.conversation_id, &settings).await)
        .await?;
    let details = mail.details(&context);
    tell(&ctx, "front.message.sent", &details, || mail.words("Mail was sent by", &context)).await
}

/// Tells who looks after a conversation now.
#[function(
    id = "front-assignee-changed-notify",
    name = "Front: assignee changed",
    on(AssigneeChanged),
    retries = 3
)]
pub async fn front_assignee_changed_notify(ctx: Ctx, event: AssigneeChanged) -> Result<Outcome> {
    let settings = Settings::read(&ctx);
    let context: Context = ctx
        .step("enrich-context", async |io| {
            context::of(&io, &event.conversation_id, &settings).await
        })
        .await?;
    let details = json!({
        "conversationId": event.conversation_id,
        "assigneeEmail": event.assignee_email,
        "assigneeName": event.assignee_name,
        "isUnassign": event.is_unassign,
        "context": context,
    });
    tell(&ctx, "front.assignee.changed", &details, || {
        let names = [&event.assignee_name, &event.assignee_email];
        let name = names.into_iter().flatten().find(|name| !name.is_empty());
        let who = match name {
            Some(name) if !event.is_unassign => format!("A conversation is {name}'s now"),
            _ => "A conversation is nobody's now".to_owned(),
        };
        vec![who, line("Subject", &context.subject), line("Conversation", &event.conversation_id)]
    })
    .await
}
