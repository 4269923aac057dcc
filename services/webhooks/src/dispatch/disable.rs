//! Disables an endpoint that wants nothing more (R18): a command like any other, decided on the present state.

use std::time::Duration;

use berth_bus::ask;
use berth_log::decode_commit;
use berth_notices::derive::{Happening, command_behind};
use berth_proto::{
    AccountId, CommandId, Hash, StreamKey,
    command::{Command, DisableWebhookV1},
    delivery::NoticeKeyV1,
    frame::{CommandRequestV2, RejectionCodeV1, TargetV1},
    instance::{InstanceStateV1, WebhookV1},
    subject::{Sender, command_subject},
};

use super::attempt::Tools;

/// How long the command may take.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Why an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// It asked for it.
    Asked,
    /// It took nothing for days.
    Failing,
}

/// Disables an endpoint because of what it answered to a notice, if it is still the one that the notice was sent
/// to. The id of the command is made from the notice's and from that endpoint, so that a repetition is the same
/// command. One of the account is disabled there, for all of its instances, and here at once. Says whether nothing more
/// need be done.
pub(crate) async fn disable(
    tools: &Tools,
    state: &InstanceStateV1,
    webhook: &WebhookV1,
    notice: &NoticeKeyV1,
    told: &Happening,
    because: Because,
) -> bool {
    let instance = notice.instance;
    let command: Command = DisableWebhookV1 { seen: webhook.clone() }.into();
    let Ok(command) = command.to_record() else {
        return false;
    };
    let cause = cause_of(tools, notice, told).await;
    if webhook.is_of_account() && !disable_for_all(tools, state.account, webhook, cause).await {
        return false;
    }
    let id = crate::signing::message_id(notice);
    let digest = Hash::over(b"berth.v1.disable", &[id.as_bytes(), &command.body]);
    let target = TargetV1::Instance { instance, command };
    let request =
        CommandRequestV2 { causation: cause, ..CommandRequestV2::of_service(digest, "webhooks", target) };
    let is_done = disabled(tools, &StreamKey::instance(instance), &request).await;
    if is_done {
        match because {
            Because::Asked => {
                tracing::info!(%instance, endpoint = %webhook.id, "an endpoint asked to be disabled");
            }
            Because::Failing => {
                tracing::warn!(%instance, endpoint = %webhook.id, "an endpoint that took nothing for days is disabled");
            }
        }
    }
    is_done
}

/// Disables an endpoint of an account, if it is still the one that the copy is one of.
async fn disable_for_all(
    tools: &Tools,
    account: AccountId,
    webhook: &WebhookV1,
    cause: Option<CommandId>,
) -> bool {
    let seen = webhook.updated_at;
    let digest = Hash::over(
        b"berth.v1.disable_for_account",
        &[account.as_bytes(), webhook.id.as_bytes(), &seen.0.to_be_bytes()],
    );
    let target = TargetV1::DisableAccountWebhook { account, webhook: webhook.id, seen };
    let request =
        CommandRequestV2 { causation: cause, ..CommandRequestV2::of_service(digest, "webhooks", target) };
    disabled(tools, &StreamKey::account(account), &request).await
}

/// Asks for it; says whether nothing more need be done.
async fn disabled(tools: &Tools, stream: &StreamKey, request: &CommandRequestV2) -> bool {
    let Ok(payload) = request.encode() else {
        return false;
    };
    let subject = command_subject(Sender::Delivery, stream);
    match ask(&*tools.bus, &subject, payload.into(), COMMAND_MAX).await {
        // Or it is gone, or what had it is: there is nothing left to disable.
        Ok(
            Ok(_)
            | Err(RejectionCodeV1::UnknownWebhook | RejectionCodeV1::NotFound | RejectionCodeV1::Deleted),
        ) => true,
        // It was changed meanwhile: the notice is tried again on what it is now.
        Ok(Err(_)) => false,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(subject, error, "an endpoint cannot be disabled now");
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
