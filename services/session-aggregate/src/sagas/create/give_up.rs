//! Giving up a create: what was refused by the try itself, what nobody finished by the process manager.

use berth_domain::instance::AHEAD_SECONDS;
use berth_proto::{
    AccountId, InstanceId,
    command::AbandonCreateV1,
    commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
    instance::EntriesV1,
};

use super::{Create, Tried, draft::Draft};
use crate::{
    directory::{Cause, Holder},
    entries::first_entry,
    instances::{
        rejected, reply,
        round::{Answer, InstanceCommand},
    },
    trouble::Trouble,
};

/// Seconds after which a create that nobody finished is given up.
pub(crate) const ABANDON_AFTER_SECONDS: i64 = 60;

// === impl Create ===

impl Create {
    /// Tombstones the stream of a create that is refused, then releases what it reserved. If the instance exists
    /// after all (another replica ran the same command), it stays.
    pub(super) async fn give_up(
        &self,
        request: &CommandRequestV2,
        draft: &Draft,
        code: RejectionCodeV1,
    ) -> Result<Tried, Trouble> {
        let Draft { instance, create, .. } = draft;
        let first = first_entry(&create.entries).0;
        if !self.instances.rule_out(*instance, create.account, first, request.command_id).await? {
            return Ok(Tried::StartOver);
        }
        self.free(create.account, *instance, &create.entries, &Cause::of(request)).await?;
        Ok(Tried::Done(rejected(code)))
    }

    /// Releases what a create reserved that came to nothing, and destroys its key.
    pub(super) async fn free(
        &self,
        account: AccountId,
        instance: InstanceId,
        entries: &EntriesV1,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        self.entries.release(account, instance, entries, Vec::new(), false, cause).await?;
        Ok(self.keys.destroy(instance.as_bytes()).await?)
    }

    /// Gives up a create that nobody finished. Only our own process manager asks for it.
    pub(crate) async fn abandon(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        abandon: &AbandonCreateV1,
    ) -> Result<CommandReplyV1, Trouble> {
        if asked.request.principal != PrincipalV1::Service {
            return Ok(rejected(RejectionCodeV1::NotFound));
        }
        let held = self.directory.holder(abandon.entry).await?;
        let holder = Holder { account: abandon.account, instance: Some(instance) };
        let ours = held.filter(|hold| holder.holds(hold));
        let open = ours.and_then(|hold| Some((hold.at, hold.blueprint?, hold.command_id)));
        let Some((at, blueprint, creating)) = open else {
            return Ok(rejected(RejectionCodeV1::Changed));
        };
        let now = self.clock.now();
        // A hold that is dated ahead is of a clock that has come back since.
        if at.plus_seconds(ABANDON_AFTER_SECONDS) > now && at <= now.plus_seconds(AHEAD_SECONDS) {
            return Ok(rejected(RejectionCodeV1::OutOfPlace));
        }
        let cause = Cause::of(&asked.request);
        if self.instances.rule_out(instance, abandon.account, abandon.entry, creating).await? {
            self.free(abandon.account, instance, &blueprint.entries, &cause).await?;
        } else {
            self.directory.settle(abandon.entry, holder).await?;
        }
        let loaded = self.instances.load(instance).await?;
        let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
        Ok(reply(&loaded, Answer::Accepted { outcome, replayed: false }))
    }
}
