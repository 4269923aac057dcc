//! The account `default`: created at the first start, found again at every later one.
//!
//! The operator may rename it or close it. Without a token in the settings it then stays as it is: there is no
//! account `default` any more. With one, whoever has that token is meant; if nobody has it, a new account is made.
//!
//! Any number of gateways may do this at once: its name is unique in the directory, and the ids of the commands
//! follow from what they do, so that a repetition is a repetition.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, KeyRingError, RequestError, Undecided, ask_until_decided};
use berth_log::{DecodeError, LogRead, ReadError, decode_state};
use berth_proto::{
    AccountId, DirectoryId, StreamKey,
    account::AccountStateV3,
    directory::DirectoryStateV1,
    frame::{CommandRequestV2, RejectionCodeV1, TargetV1},
    subject::Sender,
};
use berth_runtime::{Clock, Entropy, Unique, entropy::new_account_id, sealing::field};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::{Instant, sleep};

/// The name of the account.
const NAME: &str = "default";
/// How long one command waits for its answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long the start waits for somebody who decides commands.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Tries that may lose a race against other gateways.
const RACES_MAX: u32 = 8;

/// The account could not be found or made.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// The log does not answer; a retry helps when it does.
    #[error("the account `default` cannot be read")]
    Read(#[from] ReadError),
    /// The log holds something that cannot be used; no retry helps.
    #[error("a commit in the log cannot be used")]
    Commit(#[from] DecodeError),
    /// Its key cannot be had.
    #[error("the key of the account `default` cannot be had")]
    Key(#[from] KeyRingError),
    /// Its key was destroyed; a retry does not help.
    #[error("the key of the account `default` was destroyed")]
    KeyDestroyed,
    /// There is no such account, and no token to make it with.
    #[error("`account_token` (BERTH_ACCOUNT_TOKEN) is not set, and there is no account `default` yet")]
    NoToken,
    /// Nobody decided the command in time; a retry helps when a session-aggregate runs.
    #[error("no session-aggregate answered in time; is one running?")]
    NoAnswer(#[source] RequestError),
    /// A session-aggregate could not decide the command in time; a retry may help.
    #[error("the session-aggregate cannot make the account `default` now")]
    Undecided(#[source] Undecided),
    /// It was closed, and what it held is not free yet; a retry helps when a session-aggregate runs.
    #[error(
        "the account `default` was closed a moment ago, and its name is not free yet; is a session-aggregate running?"
    )]
    Closing,
    /// The token belongs to somebody else: another account or an instance. A retry does not help.
    #[error("`account_token` (BERTH_ACCOUNT_TOKEN) is in use by another account or an instance")]
    TokenTaken,
    /// The command was refused. A retry does not help.
    #[error("the account `default` was refused: {0:?}")]
    Refused(RejectionCodeV1),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// It was made at this start.
    Created,
    /// It was there, with this token or none asked for.
    Found,
    /// It was there with another token, which ended.
    TokenRotated,
    /// It was there, and was renamed or closed since.
    Left,
}

/// What the directory says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nobody ever had it.
    Never,
    /// Somebody had it.
    Before,
    /// This account has it.
    By(AccountId),
}

/// What it takes to find or make the account.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// Where it is recorded.
    pub(crate) log: Arc<dyn LogRead>,
    /// Where commands go.
    pub(crate) bus: Arc<dyn Bus>,
    /// Data keys.
    pub(crate) keys: KeyRing,
    /// For a new id.
    pub(crate) clock: Arc<dyn Clock>,
    /// For a new id and key.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Accounts {
    /// Finds the account or makes it, and gives it this token if it has another. Without a token it must exist, or
    /// have existed. The id is none if there is no such account and there shall be none.
    pub(crate) async fn ensure(
        &self,
        token: Option<&SecretString>,
    ) -> Result<(Option<AccountId>, Became), AccountError> {
        let mut races = 0;
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let held = self.held(self.keys.master().entry(Unique::AccountName, NAME)).await?;
            let account = if let Held::By(account) = held { Some(account) } else { None };
            let state = match account {
                Some(account) => self.state(account).await?,
                None => None,
            };
            if state.as_ref().is_some_and(|state| state.closed_at.is_some()) {
                // Its name is about to be free.
                if Instant::now() >= deadline {
                    return Err(AccountError::Closing);
                }
                sleep(PAUSE).await;
                continue;
            }
            let (account, order, became) = match (account.zip(state), token) {
                (Some((account, _)), None) => return Ok((Some(account), Became::Found)),
                (Some((account, state)), Some(token)) => {
                    let entry = self.token_entry(token);
                    if state.token_entry == entry {
                        return Ok((Some(account), Became::Found));
                    }
                    (account, self.rotation(account, &state, token, entry).await?, Became::TokenRotated)
                }
                (None, None) if held == Held::Before => return Ok((None, Became::Left)),
                (None, None) => return Err(AccountError::NoToken),
                (None, Some(token)) => {
                    if held == Held::Before
                        && let Some(account) = self.renamed(token).await?
                    {
                        return Ok((Some(account), Became::Left));
                    }
                    let account = account.unwrap_or_else(|| new_account_id(&*self.clock, &*self.entropy));
                    (account, self.creation(account, token).await?, Became::Created)
                }
            };
            match self.send(&order).await? {
                None => return Ok((Some(account), became)),
                Some(RejectionCodeV1::TokenTaken) => return Err(AccountError::TokenTaken),
                // Another gateway was quicker, or somebody closed it: look again.
                Some(
                    RejectionCodeV1::NameTaken
                    | RejectionCodeV1::Exists
                    | RejectionCodeV1::Changed
                    | RejectionCodeV1::Deleted
                    | RejectionCodeV1::NotFound,
                ) if races < RACES_MAX => {
                    races += 1;
                    sleep(PAUSE).await;
                }
                Some(code) => return Err(AccountError::Refused(code)),
            }
        }
    }

    /// The account with this token, whatever it is called by now.
    async fn renamed(&self, token: &SecretString) -> Result<Option<AccountId>, AccountError> {
        let entry = self.token_entry(token);
        let Held::By(account) = self.held(entry).await? else { return Ok(None) };
        let state = self.state(account).await?;
        let has = state.is_some_and(|state| state.token_entry == entry && state.closed_at.is_none());
        Ok(has.then_some(account))
    }

    /// Who holds a name or token.
    async fn held(&self, entry: DirectoryId) -> Result<Held, AccountError> {
        let Some(stored) = self.log.tail(&StreamKey::directory(entry)).await? else {
            return Ok(Held::Never);
        };
        let (_, state) = decode_state::<DirectoryStateV1>(&stored)?;
        Ok(match state.hold {
            Some(hold) => Held::By(hold.account),
            None if state.former.is_empty() => Held::Never,
            None => Held::Before,
        })
    }

    async fn state(&self, account: AccountId) -> Result<Option<AccountStateV3>, AccountError> {
        let Some(stored) = self.log.tail(&StreamKey::account(account)).await? else {
            return Ok(None);
        };
        Ok(Some(decode_state(&stored)?.1))
    }

    fn token_entry(&self, token: &SecretString) -> DirectoryId {
        self.keys.master().entry(Unique::Token, token.expose_secret())
    }

    /// The id follows from the account alone: a start that died half way is continued with another token.
    async fn creation(
        &self,
        account: AccountId,
        token: &SecretString,
    ) -> Result<CommandRequestV2, AccountError> {
        let owner = account.as_bytes();
        let key = self.keys.create(owner, &*self.entropy).await?.ok_or(AccountError::KeyDestroyed)?;
        let target = TargetV1::CreateAccount {
            account,
            name: key.seal(owner, field::NAME, NAME.as_bytes()),
            name_entry: self.keys.master().entry(Unique::AccountName, NAME),
            token: key.seal(owner, field::TOKEN, token.expose_secret().as_bytes()),
            token_entry: self.token_entry(token),
        };
        Ok(self.order(&[b"create", owner], target))
    }

    /// The id follows from the version that ends, so that two gateways rotate once.
    async fn rotation(
        &self,
        account: AccountId,
        state: &AccountStateV3,
        token: &SecretString,
        token_entry: DirectoryId,
    ) -> Result<CommandRequestV2, AccountError> {
        let owner = account.as_bytes();
        let key = self.keys.key(owner).await?.ok_or(AccountError::KeyDestroyed)?;
        let sealed = key.seal(owner, field::TOKEN, token.expose_secret().as_bytes());
        let version = state.credential_version.to_be_bytes();
        let target = TargetV1::RotateAccountToken { account, token: sealed, token_entry };
        Ok(self.order(&[b"rotate", owner, &version, token_entry.as_bytes()], target))
    }

    fn order(&self, parts: &[&[u8]], target: TargetV1) -> CommandRequestV2 {
        let digest = self.keys.master().request_digest(parts);
        CommandRequestV2 { keyed: true, ..CommandRequestV2::of_service(digest, "start", target) }
    }

    /// Sends a command until it is decided; says why it was decided against, if it was.
    async fn send(&self, order: &CommandRequestV2) -> Result<Option<RejectionCodeV1>, AccountError> {
        let patience = |met: Option<&Undecided>| match met {
            Some(Undecided::Unreadable(_)) => Duration::ZERO,
            _ => WAIT_MAX,
        };
        match ask_until_decided(&*self.bus, Sender::Start, order, ANSWER_MAX, patience).await {
            Ok(decision) => Ok(decision.err()),
            Err(Undecided::Unanswered(error)) => Err(AccountError::NoAnswer(error)),
            Err(undecided) => Err(AccountError::Undecided(undecided)),
        }
    }
}
