//! Disables an endpoint that wants nothing more (R18): a command like any other, decided on the present state.

use std::time::Duration;

use berth_bus::ask;
use berth_log::decode_commit;
use berth_notices::derive::{Happening, command_behind};
use berth_proto::{
    CommandId, Hash, StreamKey,
    command::{Command, DisableWebhookV1},
    delivery::NoticeKeyV1,
    frame::{CommandRequestV2, RejectionCodeV1, TargetV1},
    instance::WebhookV1,
    subject::{Sender, command_subject},
};

use super::attempt::Tools;

/// How long the command may take.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Disables an endpoint because of what it answered to a notice, if it is still the one that the notice was sent
/// to. The id of the command is made from the notice's and from that endpoint, so that a repetition is the same
/// command. Says whether nothing more need be done.
pub(super) async fn disable(
    tools: &Tools,
    webhook: &WebhookV1,
    notice: &NoticeKeyV1,
    told: &Happening,
) -> bool {
    let instance = notice.instance;
    let command: Command = DisableWebhookV1 { seen: webhook.clone() }.into();
    let Ok(command) = command.to_record() else {
        return false;
    };
    let id = crate::signing::message_id(notice);
    let digest = Hash::over(b"berth.v1.disable", &[id.as_bytes(), &command.body]);
    let target = TargetV1::Instance { instance, command };
    let request = CommandRequestV2 {
        causation: cause_of(tools, notice, told).await,
        ..CommandRequestV2::of_service(digest, "webhooks", target)
    };
    let Ok(payload) = request.encode() else {
        return false;
    };
    let subject = command_subject(Sender::Delivery, &StreamKey::instance(instance));
    match ask(&*tools.bus, &subject, payload.into(), COMMAND_MAX).await {
        Ok(Ok(_)) => {
            tracing::info!(%instance, endpoint = %webhook.id, "an endpoint asked to be disabled");
            true
        }
        // It is gone, or the instance is: there is nothing left to disable.
        Ok(Err(RejectionCodeV1::UnknownWebhook | RejectionCodeV1::NotFound | RejectionCodeV1::Deleted)) => {
            true
        }
        // It was changed meanwhile: the notice is tried again on what it is now.
        Ok(Err(_)) => false,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%instance, error, "an endpoint cannot be disabled now");
            false
        }
    }
}

/// The command that the notice told of. None if its commit cannot be read now, or says nothing of a command: nothing
/// waits for it.
async fn cause_of(tools: &Tools, notice: &NoticeKeyV1, told: &Happening) -> Option<CommandId> {
    let stream = StreamKey::instance(notice.instance);
    let page = tools.log.read(&stream, notice.version.saturating_sub(1), 1).await.ok()?;
    let commit = decode_commit(page.first()?).ok().filter(|commit| commit.version == notice.version)?;
    command_behind(&commit, told)
}
