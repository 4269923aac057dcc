//! Creating an instance: reserve its keys, then append its first commit.
//!
//! The first entry that is reserved carries the blueprint (the id, what was generated, every entry), so that
//! any retry of the command continues where an earlier one stopped, and the process manager can give up what
//! nobody continues. Whether the instance exists is decided by one append only: the first commit of its
//! stream is either its creation or a tombstone.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::instance::{AHEAD_SECONDS, State, never_was};
use berth_log::Loaded;
use berth_proto::{
    AccountId, DirectoryId, InstanceId, StreamKey, WriteVersion,
    command::{AbandonCreateV1, Command, CreateInstanceV1},
    commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1},
    directory::{BlueprintV1, HoldV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
    instance::WebhookV1,
};
use berth_runtime::Clock;

use crate::{
    accounts::Accounts,
    asker::Asker,
    directory::{Cause, Claimed, Directory, Holder},
    entries::{Entries, blueprint, first_entry, hold, refusal},
    instances::{
        Instances, rejected, reply,
        round::{Answer, Asked},
    },
    names_there::NamesThere,
    reseal,
    trouble::Trouble,
};

/// Seconds after which a create that nobody finished is given up.
pub(crate) const ABANDON_AFTER_SECONDS: i64 = 60;

/// Times that a create starts over because an earlier try of it was given up meanwhile.
const TRIES_MAX: usize = 3;

/// Creates instances.
#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) entries: Entries,
    pub(crate) names_there: NamesThere,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}

/// What is to be created, and under which id.
#[derive(Debug, Clone)]
struct Plan {
    instance: InstanceId,
    create: CreateInstanceV1,
}

/// The first entry, and whether an earlier try of the command had reserved it.
struct Claim {
    held: HoldV1,
    earlier: bool,
}

/// What is known of the stream that a create begins.
#[derive(Debug, Clone, Copy)]
enum Ground {
    /// The id is of this try: nobody else writes there.
    Fresh,
    /// An earlier try may have been there.
    Tried,
}

/// How far a try got.
enum Tried {
    /// To the end.
    Done(CommandReplyV1),
    /// An earlier try had been given up; its entries are free now.
    StartOver,
}

// === impl Create ===

impl Create {
    /// Creates an instance, or finds the one that an earlier try of the same command created.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &Asked,
        create: &CreateInstanceV1,
        to: Asker,
    ) {
        let reply = Box::pin(self.create(instance, asked, create)).await;
        let reply = self.without_unused_key(instance, reply).await.unwrap_or_else(|trouble| trouble.reply());
        let made = match &reply {
            CommandReplyV1::Accepted(accepted) if !accepted.replayed => Some(accepted.stream_id.instance()),
            _ => None,
        };
        to.answer(&reply);
        // After the answer: if it fails, the process manager does it.
        if let Some(made) = made {
            let first = first_entry(&create.entries).0;
            let settled = self.settle(first, create.account, made).await;
            settled
                .unwrap_or_else(|trouble| tracing::debug!(%instance, %trouble, "a create is settled later"));
        }
    }

    /// The same reply, after the key was destroyed that was made for this id if the reply says that the id comes to
    /// nothing.
    async fn without_unused_key(
        &self,
        instance: InstanceId,
        reply: Result<CommandReplyV1, Trouble>,
    ) -> Result<CommandReplyV1, Trouble> {
        let reply = reply?;
        let unused = match &reply {
            CommandReplyV1::Accepted(accepted) => accepted.stream_id != instance.into(),
            CommandReplyV1::Rejected(_) => true,
            CommandReplyV1::Unavailable { .. } | CommandReplyV1::NoRoom { .. } => false,
        };
        if unused {
            self.accounts.destroy_unused_key(instance.as_bytes()).await?;
        }
        Ok(reply)
    }

    async fn create(
        &self,
        instance: InstanceId,
        asked: &Asked,
        create: &CreateInstanceV1,
    ) -> Result<CommandReplyV1, Trouble> {
        if !may_create(asked.request.principal, create.account) {
            return Ok(rejected(RejectionCodeV1::NotFound));
        }
        for _ in 0..TRIES_MAX {
            match Box::pin(self.try_create(instance, &asked.request, create)).await? {
                Tried::Done(reply) => return Ok(reply),
                Tried::StartOver => {}
            }
        }
        Ok(rejected(RejectionCodeV1::Changed))
    }

    async fn try_create(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Tried, Trouble> {
        if self.keys.key(instance.as_bytes()).await?.is_none() {
            // Its key was destroyed when it came to nothing: what it sends cannot be read any more. If it did because an
            // earlier try had made the instance, the answer to that was lost, and is the answer now.
            let held = self.directory.holder(first_entry(&create.entries).0).await?;
            let ours = |hold: &HoldV1| (hold.command_id, hold.digest) == (request.command_id, request.digest);
            if let Some(held) = held.filter(ours) {
                let earlier = recorded(instance, create, &held);
                if self.instances.exists(earlier.instance).await? {
                    return self.first_commit(request, &earlier, &[], Ground::Tried).await;
                }
            }
            return Ok(Tried::Done(rejected(RejectionCodeV1::Changed)));
        }
        let Claim { held, earlier } = match self.claim(instance, request, create).await? {
            Ok(claim) => claim,
            Err(code) => return Ok(Tried::Done(rejected(code))),
        };
        if earlier {
            let exists = recorded(instance, create, &held);
            match self.instances.load(exists.instance).await?.state {
                // Nothing is to be reserved any more: the stream says what became of it.
                Some(_) => return self.first_commit(request, &exists, &[], Ground::Tried).await,
                None if held.blueprint.is_none() => {
                    return Ok(Tried::Done(rejected(RejectionCodeV1::Changed)));
                }
                None => {}
            }
        }
        let Some(plan) = self.plan(instance, create, &held).await? else {
            // The first try's key is gone, so it can never be finished.
            return self.give_up(&recorded(instance, create, &held), RejectionCodeV1::Changed, request).await;
        };
        // Read after the claim: whoever closes the account waits until the claim is settled or given up.
        // Whatever else changes of it after this look, the process manager brings to the instance.
        let (account, refused) = tokio::join!(
            self.accounts.open(create.account),
            self.entries.reserve_rest(request, plan.instance, &plan.create)
        );
        let Some(account) = account? else {
            return self.give_up(&plan, RejectionCodeV1::NotFound, request).await;
        };
        if let Some(code) = refused? {
            return self.give_up(&plan, code, request).await;
        }
        // Last, since a create that is given up leaves it to the next one that wants it.
        let settings = &plan.create.settings;
        let taken =
            self.names_there.reserve(plan.instance, create.account, settings, &Cause::of(request)).await?;
        if let Some(code) = taken {
            return self.give_up(&plan, code, request).await;
        }
        let ground = if earlier { Ground::Tried } else { Ground::Fresh };
        self.first_commit(request, &plan, &account.webhooks, ground).await
    }

    /// Reserves the first entry, or finds what an earlier try reserved.
    async fn claim(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Result<Claim, RejectionCodeV1>, Trouble> {
        let (entry, purpose) = first_entry(&create.entries);
        if entry != create.entries.name && self.directory.holder(entry).await?.is_none() {
            // Looked at before anything is written: a name that is taken is the most common refusal.
            let named = self.directory.holder(create.entries.name).await?;
            if named.is_some_and(|hold| hold.command_id != request.command_id) {
                return Ok(Err(RejectionCodeV1::NameTaken));
            }
        }
        let wanted = HoldV1 {
            blueprint: Some(blueprint(create)),
            ..hold(request, create.account, instance, purpose, self.clock.now())
        };
        let claimed = self.directory.claim(entry, wanted, &Cause::of(request)).await?;
        Ok(match claimed {
            Ok(Claimed { hold: held, made }) => Ok(Claim { earlier: !made, held }),
            Err(refused) => Err(refusal(&refused, request, purpose)),
        })
    }

    /// What the hold says is to be created; none if that cannot be done any more.
    async fn plan(
        &self,
        instance: InstanceId,
        create: &CreateInstanceV1,
        held: &HoldV1,
    ) -> Result<Option<Plan>, Trouble> {
        let plan = recorded(instance, create, held);
        let Some(blueprint) = held.blueprint.as_ref().filter(|_| plan.instance != instance) else {
            return Ok(Some(plan));
        };
        let resealed = reseal::create(&self.keys, instance, plan.instance, create).await?;
        let create = resealed.map(|create| with_blueprint(create, blueprint));
        Ok(create.map(|create| Plan { create, ..plan }))
    }

    /// Appends the creation, with these endpoints of the account, to the empty stream, or finds what stands there.
    async fn first_commit(
        &self,
        request: &CommandRequestV2,
        plan: &Plan,
        inherited: &[WebhookV1],
        ground: Ground,
    ) -> Result<Tried, Trouble> {
        let mut create = plan.create.clone();
        let inherited =
            reseal::webhooks(&self.keys, self.write_version, create.account, inherited, plan.instance)
                .await?;
        create.webhooks.extend(inherited.unwrap_or_default());
        let command = Command::from(create);
        let mut request = request.clone();
        if let (Some(caller), Some(asked)) = (&request.caller, request.target.stream().as_instance())
            && asked != plan.instance
        {
            request.caller = reseal::caller(&self.keys, asked, plan.instance, caller).await;
        }
        let asked = Asked { request, command };
        let one = std::slice::from_ref(&asked);
        let remembered = match ground {
            // It is the first of its instance: tried on an empty stream, which is read only if it is not.
            Ground::Fresh => Some(Loaded::empty(StreamKey::instance(plan.instance))),
            Ground::Tried => self.instances.remembered(plan.instance),
        };
        let name_there = &self.names_there.receipt(plan.instance, &plan.create.settings);
        let decide = move |loaded: Loaded<State>, now| async move {
            let mut round = self.instances.decide(&loaded, one, now).await;
            round.note(name_there.clone());
            Ok(round.into_plan(loaded))
        };
        let (loaded, answers) = self.instances.transact_with(plan.instance, remembered, decide).await?;
        let code = match answers.into_iter().next() {
            Some(Answer::Rejected { code, .. }) => code,
            Some(accepted) => {
                let done = Tried::Done(reply(&loaded, accepted));
                self.instances.remember(loaded);
                return Ok(done);
            }
            None => RejectionCodeV1::Changed,
        };
        match (code, &loaded.state) {
            // The ring has forgotten the command; the hold has not.
            (RejectionCodeV1::Exists, Some(_)) => {
                let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
                let known = Answer::Accepted { outcome, replayed: true };
                Ok(Tried::Done(reply(&loaded, known)))
            }
            (RejectionCodeV1::Deleted, Some(state)) if never_was(state) => {
                self.free(plan, &asked.request).await?;
                Ok(Tried::StartOver)
            }
            (RejectionCodeV1::Deleted, _) => {
                let gone = Answer::Rejected { code, state: None };
                Ok(Tried::Done(reply(&loaded, gone)))
            }
            _ => self.give_up(plan, code, &asked.request).await,
        }
    }

    /// Tombstones the stream of a create that is refused, then releases what it reserved. If the instance exists
    /// after all (another replica ran the same command), it stays.
    async fn give_up(
        &self,
        plan: &Plan,
        code: RejectionCodeV1,
        request: &CommandRequestV2,
    ) -> Result<Tried, Trouble> {
        let first = first_entry(&plan.create.entries).0;
        if self.instances.rule_out(plan.instance, plan.create.account, first, request.command_id).await? {
            self.free(plan, request).await?;
            return Ok(Tried::Done(rejected(code)));
        }
        Ok(Tried::StartOver)
    }

    async fn free(&self, plan: &Plan, request: &CommandRequestV2) -> Result<(), Trouble> {
        let Plan { instance, create } = plan;
        let cause = Cause::of(request);
        self.entries.release(create.account, *instance, &create.entries, Vec::new(), false, &cause).await?;
        Ok(self.keys.destroy(instance.as_bytes()).await?)
    }

    /// Gives up a create that nobody finished. Only our own process manager asks for it.
    pub(crate) async fn abandon(
        &self,
        instance: InstanceId,
        asked: &Asked,
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
            let entries = &blueprint.entries;
            self.entries.release(abandon.account, instance, entries, Vec::new(), false, &cause).await?;
            self.keys.destroy(instance.as_bytes()).await?;
        } else {
            self.settle(abandon.entry, abandon.account, instance).await?;
        }
        let loaded = self.instances.load(instance).await?;
        let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
        Ok(reply(&loaded, Answer::Accepted { outcome, replayed: false }))
    }

    /// Says that a create is done.
    async fn settle(
        &self,
        entry: DirectoryId,
        account: AccountId,
        instance: InstanceId,
    ) -> Result<(), Trouble> {
        self.directory.settle(entry, Holder { account, instance: Some(instance) }).await
    }
}

fn may_create(principal: PrincipalV1, account: AccountId) -> bool {
    match principal {
        PrincipalV1::Root | PrincipalV1::Service => true,
        PrincipalV1::Account { account: own } => own == account,
        PrincipalV1::Instance { .. } => false,
    }
}

/// The id and the entries that the hold records.
fn recorded(instance: InstanceId, create: &CreateInstanceV1, held: &HoldV1) -> Plan {
    let mut create = create.clone();
    if let Some(blueprint) = &held.blueprint {
        create = with_blueprint(create, blueprint);
    }
    Plan { instance: held.instance.unwrap_or(instance), create }
}

fn with_blueprint(create: CreateInstanceV1, blueprint: &BlueprintV1) -> CreateInstanceV1 {
    CreateInstanceV1 {
        number: blueprint.number,
        name: blueprint.name.clone(),
        token: blueprint.token.clone(),
        entries: blueprint.entries.clone(),
        ..create
    }
}
