//! Transactions on one account: the loop is that of [`berth_log::Writer`].

use berth_log::{Next, Plan};
use berth_proto::{
    AccountId, InstanceId, RecordV1, StreamKey, Timestamp,
    account::{AccountEvent, AccountStateV2},
    commit::{OutcomeCodeV1, OutcomeV1},
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};

use super::{Account, evolve::evolve, rejected};
use crate::{aggregate::Aggregate, directory::Cause, trouble::Trouble};

/// What a command makes of an account: no event, if it is so already. What is decided with it, such as a reservation
/// that is settled afterwards, comes along.
pub(super) type Decided<X> = Result<(Vec<AccountEvent>, X), RejectionCodeV1>;

/// What a command came to, and whether an earlier try of it did.
pub(super) type Answer = Result<(OutcomeCodeV1, bool), RejectionCodeV1>;

impl Aggregate {
    /// Decides a command on an account as it is now, and appends what it makes of it. Gives what came along with the
    /// decision if something was appended.
    pub(super) async fn decide_account<X, F>(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        decide: impl Fn(AccountStateV2, Timestamp) -> F,
    ) -> Result<(CommandReplyV1, Option<X>), Trouble>
    where
        F: Future<Output = Result<Decided<X>, Trouble>>,
    {
        let (cause, decide) = (&Cause::of(request), &decide);
        let decide = move |loaded: Account, now| async move {
            let state = match self.present(&loaded, request).await? {
                Ok(state) => state.clone(),
                Err(known) => return Ok(Plan::Keep(loaded, (known, None))),
            };
            match decide(state, now).await? {
                Ok((events, _)) if events.is_empty() => {
                    Ok(Plan::Keep(loaded, (Ok((OutcomeCodeV1::Unchanged, false)), None)))
                }
                Ok((events, along)) => {
                    Ok(next(loaded, &events, cause, now)?.map(|answer| (answer, Some(along))))
                }
                Err(code) => Ok::<_, Trouble>(Plan::Keep(loaded, (Err(code), None))),
            }
        };
        let done = self.writer.transact(StreamKey::account(account), None, decide).await?;
        let (answer, along) = done.answer;
        Ok((reply(account, &done.loaded, answer), along))
    }
}

/// The next commit of an account, for the sake of one command.
pub(super) fn next(
    loaded: Account,
    events: &[AccountEvent],
    cause: &Cause,
    now: Timestamp,
) -> Result<Plan<AccountStateV2, Answer>, Trouble> {
    let (version, at) = (loaded.version() + 1, loaded.moment(now));
    let folded = events
        .iter()
        .try_fold(loaded.state.clone(), |state, event| evolve(state, event, version, at).map(Some));
    // A decision never gives events that cannot follow the state.
    let Some(state) = folded.flatten() else { return Ok(Plan::Keep(loaded, Err(RejectionCodeV1::Changed))) };
    let count = u16::try_from(events.len()).unwrap_or(u16::MAX);
    let receipts = vec![cause.receipt(OutcomeCodeV1::Applied, count)];
    let events = events.iter().map(AccountEvent::to_record).collect::<Result<_, _>>()?;
    Ok(Plan::Append(loaded, Next { receipts, events, state }, Ok((OutcomeCodeV1::Applied, false))))
}

/// The reply to a command on the account as it is after it.
pub(super) fn reply(account: AccountId, loaded: &Account, answer: Answer) -> CommandReplyV1 {
    let (code, replayed) = match answer {
        Ok(accepted) => accepted,
        Err(code) => return rejected(code),
    };
    match loaded.state.as_ref().map(RecordV1::of) {
        Some(Ok(state)) => CommandReplyV1::Accepted(AcceptedV1 {
            stream_id: InstanceId::from_bytes(*account.as_bytes()),
            outcome: OutcomeV1 { code, attempt: 0, endpoint: None },
            replayed,
            version: loaded.version(),
            state,
        }),
        Some(Err(error)) => Trouble::from(error).reply(),
        None => rejected(RejectionCodeV1::NotFound),
    }
}
