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
    instance::WebhookV1,
    subject::{Sender, command_subject},
};

use super::{attempt::Tools, permit::Owner};

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
/// command. One of the account is disabled there, for all of its instances. Says whether nothing more need be done.
pub(crate) async fn disable(
    tools: &Tools,
    (webhook, owner): (&WebhookV1, Owner),
    notice: &NoticeKeyV1,
    told: Option<&Happening>,
    because: Because,
) -> bool {
    let cause = match told {
        Some(told) => cause_of(tools, notice, told).await,
        None => None,
    };
    let is_done = match owner {
        Owner::Instance => disable_here(tools, webhook, notice, cause).await,
        Owner::Account(account) => disable_for_all(tools, account, webhook, cause).await,
    };
    if is_done {
        let instance = notice.instance;
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

/// Disables an endpoint of the notice's instance.
async fn disable_here(
    tools: &Tools,
    webhook: &WebhookV1,
    notice: &NoticeKeyV1,
    cause: Option<CommandId>,
) -> bool {
    let instance = notice.instance;
    let command: Command = DisableWebhookV1 { seen: webhook.clone() }.into();
    let Ok(command) = command.to_record() else {
        return false;
    };
    let id = crate::signing::message_id(notice);
    let digest = Hash::over(b"berth.v1.disable", &[id.as_bytes(), &command.body]);
    let target = TargetV1::Instance { instance, command };
    let request =
        CommandRequestV2 { causation: cause, ..CommandRequestV2::of_service(digest, "webhooks", target) };
    disabled(tools, &StreamKey::instance(instance), &request).await
}

/// Disables an endpoint of an account, if it is still the one that the notice was sent to.
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
