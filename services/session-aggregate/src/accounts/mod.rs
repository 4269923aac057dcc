//! Accounts in the log. What they decide is in [`berth_domain::account`].
//!
//! Accounts change seldom, so nothing of them is kept in memory, and a repeated command is found by reading
//! the last commits instead of a ring in the state.

mod entries;

use std::{future::ready, sync::Arc};

use berth_bus::KeyRing;
use berth_domain::account::{self, Event, State};
use berth_log::{Loaded, Next, Plan, Writer, decode_commit, read_around};
use berth_proto::{
    AccountId, CommandId, InstanceId, StreamKey, Timestamp,
    commit::{CarriedState as _, OutcomeCodeV1, OutcomeV1, PrincipalV1},
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, RejectionCodeV1, RejectionV1, TargetV1},
    limits::KEYED_RECEIPTS_MAX,
};
use berth_runtime::{Clock, chain};
use tracing::warn;

use crate::{
    account_versions::AccountVersions,
    directory::{Cause, Directory},
    trouble::Trouble,
};

/// An account as it was last seen.
type Account = Loaded<State>;

/// What a command came to, and whether an earlier try of it did.
type Ruling = Result<(OutcomeCodeV1, bool), RejectionCodeV1>;

/// The accounts in the log.
#[derive(Debug)]
pub(crate) struct Accounts {
    writer: Writer,
    directory: Directory,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    versions: Arc<AccountVersions>,
}

// === impl Accounts ===

impl Accounts {
    pub(crate) const fn new(
        writer: Writer,
        directory: Directory,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        versions: Arc<AccountVersions>,
    ) -> Self {
        Self { writer, directory, keys, clock, versions }
    }

    /// An account as it is now.
    pub(crate) async fn load(&self, account: AccountId) -> Result<Account, Trouble> {
        Ok(self.writer.load(&StreamKey::account(account)).await?)
    }

    /// An account that may have instances: it exists and is not closed.
    pub(crate) async fn open(&self, account: AccountId) -> Result<Option<State>, Trouble> {
        Ok(self.load(account).await?.state.filter(|state| state.closed_at.is_none()))
    }

    /// The command that made the last change which an account's instances still have to follow. None if that cannot be
    /// read: nothing waits for it.
    pub(crate) async fn unsettled_by(&self, account: AccountId, state: &State) -> Option<CommandId> {
        let before = state.unsettled?.checked_sub(1)?;
        let page = self.writer.log().read(&StreamKey::account(account), before, 1).await.ok()?;
        let commit = decode_commit(page.first()?).ok()?;
        commit.receipts.first().map(|receipt| receipt.command_id)
    }

    /// Decides a command for an account.
    pub(crate) async fn command(&self, request: &CommandRequestV2) -> CommandReplyV1 {
        if !may(request.principal, &request.target) {
            return rejected(RejectionCodeV1::NotFound);
        }
        let done = match self.decide(request).await {
            Ok(reply) => self.without_unused_key(request, reply).await,
            Err(trouble) => Err(trouble),
        };
        done.unwrap_or_else(|trouble| trouble.reply())
    }

    /// Reserves what the decision needs of the directory, appends it, and lets the directory follow.
    async fn decide(&self, request: &CommandRequestV2) -> Result<CommandReplyV1, Trouble> {
        let stream = request.target.stream();
        let account = AccountId::from_bytes(*stream.id());
        let cause = &Cause::of(request);
        let decide = move |loaded: Account, now| async move {
            if let Some(known) = self.known(&loaded, request).await? {
                return Ok(Plan::Keep(loaded, (known, None)));
            }
            let events = match account::decide(loaded.state.as_ref(), &request.target, now) {
                Ok(events) if !events.is_empty() => events,
                decided => {
                    let answer = decided.map(|_| (OutcomeCodeV1::Unchanged, false));
                    return Ok(Plan::Keep(loaded, (answer, None)));
                }
            };
            let used = match self.reserve(account, &account::claims(&events), request).await? {
                Ok(used) => used,
                Err(code) => return Ok::<_, Trouble>(Plan::Keep(loaded, (Err(code), None))),
            };
            let before = loaded.state.clone();
            Ok(next(loaded, &events, cause, now)?.map(|answer| (answer, Some((before, used)))))
        };
        let done = self.writer.transact(stream, None, decide).await?;
        self.versions.raise(account, done.loaded.version());
        let (answer, followed) = done.answer;
        if let (Some((before, used)), Some(after)) = (followed, &done.loaded.state) {
            self.follow(account, before.as_ref(), after, used, cause).await;
            if after.closed_at.is_some()
                && let Err(trouble) = self.release_closed(account, cause).await
            {
                warn!(%account, reason = chain(&trouble), "a closed account's token ends later");
            }
        }
        Ok(reply(account, &done.loaded, answer))
    }

    /// What an earlier try of a command came to. However often its token was rotated since, the receipt of an
    /// account's creation is in its first commit; others are found among the last ones. One whose receipt is damaged is
    /// decided again: it is the only command that its damage costs, but for a create, which is refused. Among commits that a newer
    /// release wrote may be the very one, so that every command is refused.
    async fn known(&self, loaded: &Account, request: &CommandRequestV2) -> Result<Option<Ruling>, Trouble> {
        let Some(state) = &loaded.state else { return Ok(None) };
        let (creates, log) = (creates(&request.target), self.writer.log());
        let commits = if creates {
            let first = log.read(&loaded.stream, 0, 1).await?;
            first.iter().map(decode_commit).collect::<Result<Vec<_>, _>>()?
        } else {
            let after = loaded.version().saturating_sub(KEYED_RECEIPTS_MAX as u64);
            let last = read_around(log, &loaded.stream, after, KEYED_RECEIPTS_MAX).await?;
            last.iter().filter_map(|place| place.commit().transpose()).collect::<Result<_, _>>()?
        };
        let mut receipts = commits.into_iter().flat_map(|commit| commit.receipts);
        let known = receipts.find(|one| one.command_id == request.command_id);
        Ok(known.map(|known| match known.outcome.code {
            _ if known.digest != request.digest => Err(RejectionCodeV1::KeyReused),
            // What the answer said of it is gone, or soon is.
            _ if creates && state.closed_at.is_some() => Err(RejectionCodeV1::Deleted),
            code => Ok((code, true)),
        }))
    }

    /// The same reply, after the key was destroyed that was made for an account which is refused. Whoever sends a
    /// keyed create again means the same account, and needs its key.
    async fn without_unused_key(
        &self,
        request: &CommandRequestV2,
        reply: CommandReplyV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let refused = matches!(reply, CommandReplyV1::Rejected(_));
        if refused && creates(&request.target) && !request.keyed {
            self.destroy_unused_key(request.target.stream().id()).await?;
        }
        Ok(reply)
    }

    /// Destroys the key that a gateway made for an id which comes to nothing: it would stay for ever, and gateways
    /// may destroy none. Whatever was ever made under the id, an instance or an account, keeps its key.
    pub(crate) async fn destroy_unused_key(&self, id: &[u8; 16]) -> Result<(), Trouble> {
        let streams = [
            StreamKey::instance(InstanceId::from_bytes(*id)),
            StreamKey::account(AccountId::from_bytes(*id)),
        ];
        for stream in streams {
            if self.writer.log().tail(&stream).await?.is_some() {
                return Ok(());
            }
        }
        // The nil id is nobody's, and its key may be the deployment's own.
        if *id == [0; 16] {
            return Ok(());
        }
        Ok(self.keys.destroy(id).await?)
    }

    /// Notes that the instances of an account follow it as it was in this state. After a change meanwhile
    /// nothing is noted, and the duty looks again.
    pub(crate) async fn settle(&self, account: AccountId, seen: Account) -> Result<(), Trouble> {
        let version = seen.version();
        let cause = Cause::about("account settled", &version.to_be_bytes(), account.as_bytes());
        let decide = |loaded: Account, now| {
            let unchanged = loaded.state.as_ref().filter(|_| loaded.version() == version);
            ready(match unchanged.and_then(|state| account::settle(state, version)) {
                Some(settled) => next(loaded, &[settled], &cause, now),
                None => Ok(Plan::Keep(loaded, Err(RejectionCodeV1::Changed))),
            })
        };
        self.writer.transact::<_, _, Trouble, _>(seen.stream, Some(seen), decide).await.map(drop)
    }
}

/// The next commit of an account, for the sake of one command.
fn next(
    loaded: Account,
    events: &[Event],
    cause: &Cause,
    now: Timestamp,
) -> Result<Plan<State, Ruling>, Trouble> {
    let (version, at) = (loaded.version() + 1, loaded.moment(now));
    let folded = events
        .iter()
        .try_fold(loaded.state.clone(), |state, event| account::evolve(state, event, version, at).map(Some));
    // A decision never gives events that cannot follow the state.
    let Some(state) = folded.flatten() else { return Ok(Plan::Keep(loaded, Err(RejectionCodeV1::Changed))) };
    let count = u16::try_from(events.len()).unwrap_or(u16::MAX);
    let receipts = vec![cause.own_receipt(OutcomeCodeV1::Applied, count)];
    let events = events.iter().map(Event::to_record).collect::<Result<_, _>>()?;
    Ok(Plan::Append(
        loaded,
        Next { receipts, events, state, account_version: 0 },
        Ok((OutcomeCodeV1::Applied, false)),
    ))
}

const fn creates(target: &TargetV1) -> bool {
    matches!(target, TargetV1::CreateAccount { .. } | TargetV1::CreateDescribedAccount { .. })
}

/// Whether a principal may ask for this: the operator for anything, an account for what it is called, for its token and
/// for its own webhooks.
fn may(principal: PrincipalV1, target: &TargetV1) -> bool {
    match (principal, target) {
        (_, TargetV1::Instance { .. }) => false,
        (PrincipalV1::Root | PrincipalV1::Service, _) => true,
        (
            PrincipalV1::Account { account: own },
            TargetV1::ChangeAccount { account, .. }
            | TargetV1::RotateAccountToken { account, .. }
            | TargetV1::ConfigureAccountWebhook { account, .. }
            | TargetV1::ReplaceAccountWebhook { account, .. }
            | TargetV1::RotateAccountWebhookSecret { account, .. }
            | TargetV1::RemoveAccountWebhook { account, .. },
        ) => own == *account,
        _ => false,
    }
}

/// The reply to a command on the account as it is after it.
fn reply(account: AccountId, loaded: &Account, answer: Ruling) -> CommandReplyV1 {
    let (code, replayed) = match answer {
        Ok(accepted) => accepted,
        Err(code) => return rejected(code),
    };
    match loaded.state.as_ref().map(State::record) {
        Some(Ok(state)) => CommandReplyV1::Accepted(AcceptedV1 {
            stream_id: account.into(),
            outcome: OutcomeV1 { code, attempt: 0, endpoint: None },
            replayed,
            version: loaded.version(),
            state,
        }),
        Some(Err(error)) => Trouble::from(error).reply(),
        None => rejected(RejectionCodeV1::NotFound),
    }
}

fn rejected(code: RejectionCodeV1) -> CommandReplyV1 {
    CommandReplyV1::Rejected(RejectionV1 { code, state: None })
}
