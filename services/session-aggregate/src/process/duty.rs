//! The duty of an account: what its instances have to follow of it.
//!
//! A change of the account that concerns its instances leaves it unsettled, and so long it stands in the agenda.
//! Each look at it goes through its instances and sends those a command that do not follow yet. When none is left,
//! and no create that may have read the account before the change can still succeed, it is settled.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::{
    account,
    instance::{AHEAD_SECONDS, State},
};
use berth_log::{LogRead, TransactError};
use berth_proto::{
    AccountId, CommandId, InstanceId, WriteVersion,
    command::{Command, ConfigureWebhookV1, DeleteV1, RemoveWebhookV1},
    commit::PrincipalV1,
    frame::RejectionCodeV1,
    instance::{PhaseV1, WebhookV1},
};
use berth_runtime::Clock;
use futures::{StreamExt, stream};
use tokio::time::Duration;
use tracing::{info, warn};

use super::{
    agenda::{instance_in, instances_of},
    job::{BY_MOMENT, Job, Work, moment_key},
    jobs::{JobError, Stands},
    open_creates::OpenCreates,
    open_work::{OpenWork, PAGE_ROWS},
    own_commands::{OwnCommands, body_of},
};
use crate::{
    accounts::Accounts,
    cause::Cause,
    instances::Instances,
    reseal,
    sagas::{
        create::ABANDON_AFTER_SECONDS,
        delete::{Delete, LAST_WORDS_PATIENCE_SECONDS},
    },
    trouble::Trouble,
};

/// How long the view may take to follow the log before the duty is tried again later.
const REACH_MAX: Duration = Duration::from_secs(5);
/// Instances of one account that are worked on at once.
const INSTANCES_AT_ONCE: usize = 16;
/// Instances of one account that are sent commands in one look; the next look goes on. Other open work waits meanwhile.
const INSTANCES_CHANGED_MAX: usize = 32;

/// What the instances of an account have to follow.
struct Change<'a> {
    account: AccountId,
    /// The account as it is now.
    state: &'a account::State,
    /// The command that changed it; none if the commit that says so cannot be read.
    asked_by: Option<CommandId>,
}

/// Has instances follow their account.
#[derive(Debug)]
pub(crate) struct Duty {
    pub(crate) open_work: OpenWork,
    pub(crate) commands: OwnCommands,
    pub(crate) log: Arc<dyn LogRead>,
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) open_creates: OpenCreates,
    /// Knows for how long last words are waited for.
    pub(crate) delete: Arc<Delete>,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}

// === impl Duty ===

impl Duty {
    /// Makes the instances of an account follow it.
    pub(super) async fn follow(&self, account: AccountId) -> Result<Stands, JobError> {
        let loaded = self.accounts.load(account).await?;
        let Some(state) = loaded.state.as_ref().filter(|state| state.unsettled.is_some()) else {
            return Ok(Stands::Done);
        };
        if state.closed_at.is_some() {
            self.accounts.release_closed(account, &Cause::own("account closed", account.as_bytes())).await?;
        } else if self.write_version.account_wide() {
            // Instances follow nothing but a close: notices name the version of the account that they rest on.
            self.accounts.settle(account, loaded).await?;
            return Ok(Stands::Done);
        }
        let settled_from = state.updated_at.plus_seconds(ABANDON_AFTER_SECONDS);
        let now = self.clock.now();
        // A change that is dated ahead is of a clock that has come back since.
        let is_early =
            now < settled_from && settled_from <= now.plus_seconds(ABANDON_AFTER_SECONDS + AHEAD_SECONDS);
        // Before the instances are looked at: a create that is done by now is among them.
        let end = self.log.end().await.map_err(Trouble::from)?;
        self.open_work.agenda.reached(&end, REACH_MAX).await?;
        let creates_open = !is_early && self.open_creates.may_be_of(account, state.updated_at).await?;
        let change = Change { account, state, asked_by: self.accounts.unsettled_by(account, state).await };
        if self.change_instances(&change).await? > 0 {
            return Ok(Stands::GoesOn);
        }
        if is_early {
            return Ok(Stands::Waits(settled_from));
        }
        if creates_open {
            return Ok(Stands::GoesOn);
        }
        if state.closed_at.is_some() {
            if self.last_words_open(account).await? {
                return Ok(Stands::GoesOn);
            }
            self.keys.destroy(account.as_bytes()).await.map_err(Trouble::from)?;
            info!(%account, "a closed account is gone: its instances are deleted and its data key is destroyed");
        }
        self.accounts.settle(account, loaded).await?;
        Ok(Stands::Done)
    }

    /// Sends commands to instances that do not follow; says to how many. One that cannot be changed does not keep
    /// the others from it.
    async fn change_instances(&self, change: &Change<'_>) -> Result<usize, JobError> {
        let (mut changed, mut failure, mut after) = (0, None, None);
        loop {
            let rows = self.open_work.page(instances_of(change.account), after.take(), PAGE_ROWS).await?;
            let full = rows.len() == PAGE_ROWS;
            after = rows.last().map(|(key, _)| key.clone());
            let instances: Vec<_> = rows.iter().filter_map(|(key, _)| instance_in(key)).collect();
            for some in instances.chunks(INSTANCES_CHANGED_MAX) {
                let outcomes: Vec<_> = stream::iter(some.iter().copied())
                    .map(|instance| self.change_instance(change, instance))
                    .buffer_unordered(INSTANCES_AT_ONCE)
                    .collect()
                    .await;
                for outcome in outcomes {
                    match outcome {
                        Ok(did) => changed += usize::from(did),
                        Err(error) => failure = Some(error),
                    }
                }
                if changed >= INSTANCES_CHANGED_MAX {
                    return Ok(changed);
                }
            }
            if !full {
                return failure.map_or(Ok(changed), Err);
            }
        }
    }

    /// Sends an instance the commands after which it follows its account; says whether there were any.
    async fn change_instance(&self, change: &Change<'_>, instance: InstanceId) -> Result<bool, JobError> {
        let account = change.account;
        let loaded = self.instances.load(instance).await?;
        let version = loaded.version();
        let present = |one: &&State| one.account == account && !matches!(one.phase, PhaseV1::Deleted { .. });
        let Some(present) = loaded.state.as_ref().filter(present) else { return Ok(false) };
        let mut did = false;
        // Asked in the name of the account, so that an instance which has moved meanwhile does not follow it.
        let principal = PrincipalV1::Account { account };
        for command in &self.differences(account, change.state, instance, present).await? {
            // The same again, on another state of the instance, is another command.
            let details = [&body_of(command)?[..], &version.to_be_bytes()].concat();
            let cause = Cause::about(command.name(), &details, instance.as_bytes());
            let cause = Cause { principal, ..cause }.caused_by(change.asked_by);
            match self.commands.send(instance, command, cause).await? {
                // Somebody else did it, or deleted or moved it meanwhile: it has nothing to follow any more.
                None
                | Some(
                    RejectionCodeV1::UnknownWebhook | RejectionCodeV1::Deleted | RejectionCodeV1::NotFound,
                ) => did = true,
                // What is too large stays so: it is not tried for ever, and the other instances go on.
                Some(code @ (RejectionCodeV1::StateTooLarge | RejectionCodeV1::WebhooksTooLarge)) => {
                    warn!(%instance, ?code, "an instance has no room for a webhook of its account");
                }
                Some(code) => return Err(JobError::Refused(code)),
            }
        }
        Ok(did)
    }

    /// Takes the copies of its account's endpoints back from an instance. Whatever waits for one of them goes on under its id,
    /// which is the account's endpoint's.
    pub(super) async fn take_copies_back(&self, instance: InstanceId) -> Result<Stands, JobError> {
        let loaded = self.instances.load(instance).await?;
        let Some(state) = loaded.state.as_ref().filter(|one| !matches!(one.phase, PhaseV1::Deleted { .. }))
        else {
            return Ok(Stands::Done);
        };
        let (principal, version) = (PrincipalV1::Account { account: state.account }, loaded.version());
        for command in &webhook_differences(&[], state) {
            // A replica that still makes copies may have given one back to it: taking that is another command.
            let details = [&body_of(command)?[..], &version.to_be_bytes()].concat();
            let cause = Cause::about(command.name(), &details, instance.as_bytes());
            let refused = self.commands.send(instance, command, Cause { principal, ..cause }).await?;
            // Somebody else did it, or it was deleted or moved meanwhile.
            if let Some(code) = refused
                && !matches!(
                    code,
                    RejectionCodeV1::UnknownWebhook | RejectionCodeV1::Deleted | RejectionCodeV1::NotFound
                )
            {
                return Err(JobError::Refused(code));
            }
        }
        Ok(Stands::Done)
    }

    /// What an instance has to be sent to follow its account.
    async fn differences(
        &self,
        account: AccountId,
        state: &account::State,
        instance: InstanceId,
        present: &State,
    ) -> Result<Vec<Command>, JobError> {
        if state.closed_at.is_some() {
            return Ok(vec![DeleteV1 { only_without_session: false }.into()]);
        }
        let wanted =
            reseal::webhooks(&self.keys, self.write_version, account, &state.webhooks, instance).await?;
        // Without a key it is about to be deleted.
        Ok(wanted.map(|wanted| webhook_differences(&wanted, present)).unwrap_or_default())
    }

    /// Whether somebody still waits for the last words of an instance of this account to be kept, for which the account's key may
    /// be needed; whichever replica it is. Nobody does for long, so it keeps no account from its end.
    async fn last_words_open(&self, account: AccountId) -> Result<bool, JobError> {
        let now = self.clock.now();
        let mut after = Some(moment_key(now.plus_seconds(-LAST_WORDS_PATIENCE_SECONDS)));
        let end = now.plus_seconds(Work::Erasure.ahead_seconds_max() + AHEAD_SECONDS);
        loop {
            let rows = self.open_work.page(BY_MOMENT.to_vec(), after.take(), PAGE_ROWS).await?;
            let full = rows.len() == PAGE_ROWS;
            after = rows.last().map(|(key, _)| key.clone());
            let jobs: Vec<_> = rows.iter().filter_map(|(key, _)| Job::read(key)).collect();
            let is_past_end = jobs.last().is_some_and(|(due, _)| *due > end);
            for (_, job) in jobs.into_iter().filter(|(due, job)| job.work == Work::Erasure && *due <= end) {
                let loaded = match self.instances.load(InstanceId::from_bytes(job.id)).await {
                    // What is damaged has no last words to keep.
                    Err(Trouble::Log(TransactError::Damaged { .. })) => continue,
                    loaded => loaded?,
                };
                let of_account = loaded.state.filter(|state| state.account == account);
                if of_account.is_some_and(|state| self.delete.is_just_deleted(&state)) {
                    return Ok(true);
                }
            }
            if !full || is_past_end {
                return Ok(false);
            }
        }
    }
}

/// The commands after which an instance has these endpoints of its account and no others: first what goes, since
/// it may stand in the place of what comes.
fn webhook_differences(wanted: &[WebhookV1], instance: &State) -> Vec<Command> {
    let inherited: Vec<_> = instance.webhooks.iter().filter(|one| one.is_of_account()).collect();
    let removed = inherited
        .iter()
        .filter(|has| wanted.iter().all(|one| one.id != has.id))
        .map(|has| RemoveWebhookV1 { id: has.id }.into());
    let configured = wanted
        .iter()
        .filter(|one| !inherited.iter().any(|has| is_copy(has, one)))
        .map(|one| ConfigureWebhookV1 { webhook: one.clone(), upsert: false, enabled_max: 0 }.into());
    removed.chain(configured).collect()
}

/// Whether an instance's endpoint is a copy of the account's as that is now. Its secrets are those that it began with,
/// as the account's are. One that was disabled by what it answered (rule R18) stays so: it is a copy of the same state
/// still, and is enabled again when the account's endpoint is changed.
fn is_copy(has: &WebhookV1, of: &WebhookV1) -> bool {
    let WebhookV1 { secret, old_secrets, created_at, .. } = has.clone();
    let enabled = has.enabled && of.enabled;
    *has == WebhookV1 { secret, old_secrets, created_at, enabled, ..of.clone() }
}
