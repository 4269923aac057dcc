//! Giving an instance another name: reserve it, append, and let the process manager release the former one a minute later.
//!
//! Gateways remember which instance a name stands for, and nobody tells them that it stands for another one. So the
//! former name stays with its instance for longer than any gateway remembers it: until then it still finds the instance,
//! and after that nobody takes it for the one that it stood for. The reservation carries a blueprint, by which the process
//! manager knows that something is open, whether the append came or not.

use std::sync::Arc;

use berth_domain::instance::State;
use berth_log::Loaded;
use berth_proto::{
    InstanceId,
    command::RenameV1,
    directory::{BlueprintV1, HoldV1, PurposeV1},
    frame::{CommandReplyV1, RejectionCodeV1},
};
use berth_runtime::Clock;

use crate::{
    directory::{Cause, Directory, Holder},
    entries::{self, Entries, former},
    instances::{Instances, round::InstanceCommand},
    trouble::Trouble,
};

/// How long a former name stays with its instance. Gateways remember a name for less: see `NAME_AGE_MAX` there.
pub(crate) const FORMER_NAME_SECONDS: i64 = 60;

/// Gives instances other names.
#[derive(Debug)]
pub(crate) struct Rename {
    pub(crate) instances: Arc<Instances>,
    pub(crate) directory: Directory,
    pub(crate) entries: Entries,
    pub(crate) clock: Arc<dyn Clock>,
}

// === impl Rename ===

impl Rename {
    /// Renames an instance. The name is reserved anew whenever another command was first.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        to: &RenameV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let one = std::slice::from_ref(asked);
        let decide = move |loaded: Loaded<State>, now| async move {
            let round = self.instances.decide(&loaded, one, now).await;
            let before = loaded.state.as_ref();
            let renamed = before.zip(round.state.as_ref());
            let renamed = renamed.filter(|(before, after)| before.entries.name != after.entries.name);
            let refused = match renamed {
                Some((before, after)) => self.take(instance, asked, to, (before, after)).await?,
                None => None,
            };
            if let Some(state) = before
                && (renamed.is_none() || refused.is_some())
                && state.entries.name != to.name_entry
            {
                // This try or an earlier one may have reserved it.
                let holder = Holder { account: state.account, instance: Some(instance) };
                let cause = Cause::of(&asked.request);
                self.directory.withdraw(to.name_entry, holder, &former(instance), &cause).await?;
            }
            let round = match refused {
                Some(code) => round.refused(&loaded, code),
                None => round,
            };
            Ok(round.into_plan(loaded))
        };
        let (loaded, mut answers) = self.instances.transact_with(instance, None, decide).await?;
        Ok(self.instances.concluded(loaded, answers.pop()))
    }

    /// Reserves the name; says why it cannot be had.
    async fn take(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        to: &RenameV1,
        (before, after): (&State, &State),
    ) -> Result<Option<RejectionCodeV1>, Trouble> {
        if self.entries.name_entry(instance, after.account, &to.name).await? != Some(to.name_entry) {
            // It was reckoned for an account that has the instance no more.
            return Ok(Some(RejectionCodeV1::Changed));
        }
        let blueprint = BlueprintV1 {
            number: before.number,
            name: after.name.clone(),
            token: before.token.clone(),
            entries: after.entries.clone(),
        };
        let now = self.clock.now();
        let hold = entries::hold(&asked.request, after.account, instance, PurposeV1::Name, now);
        let hold = HoldV1 { blueprint: Some(blueprint), ..hold };
        match self.directory.reserve(to.name_entry, hold, &Cause::of(&asked.request)).await? {
            Ok(taken) if taken.instance == Some(instance) => {}
            Ok(_) | Err(_) => return Ok(Some(RejectionCodeV1::NameTaken)),
        }
        self.entries.name_meets_number(instance, after.account, &to.name, before.number).await
    }
}
