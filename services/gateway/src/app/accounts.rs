//! Accounts: the operator's business, with the root key.

use std::sync::Arc;

use super::{
    call::Call,
    commands::{Commands, Identity},
    failure::Failure,
    lists::Lists,
    names::{check_name, check_token},
    principal::{Principal, Principals},
    quota::Counters,
    room::Place,
    tokens::random_text,
    webhooks::Webhook,
};
use berth_bus::{KeyRing, KeyRingError};
use berth_log::{LogRead, decode_state};
use berth_proto::{
    AccountId, Sealed, StreamKey,
    account::AccountStateV3,
    frame::{RejectionCodeV1, TargetV1},
    query::QueryV1,
};
use berth_runtime::{Clock, DataKey, Entropy, Unique, entropy::new_account_id, sealing::field};
use berth_upstreams::Upstreams;
use serde_json::Value;

/// Random bytes of a generated account token.
const ACCOUNT_TOKEN_BYTES: usize = 32;

/// Bytes of an account's attributes, as JSON.
const ATTRIBUTES_BYTES_MAX: usize = 16 * 1024;

/// What a new account shall be.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// Its name, unique in the deployment; made up if there is none.
    pub name: Option<String>,
    /// Its token; made up if there is none.
    pub token: Option<String>,
    /// What the operator keeps with it.
    pub attributes: Option<Value>,
}

/// An account, opened for rendering.
#[derive(Debug, Clone)]
pub struct AccountRecord {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its token.
    pub token: String,
    /// The endpoints that all its instances have.
    pub webhooks: Vec<Webhook>,
    /// What the operator keeps with it.
    pub attributes: Option<Value>,
    /// Its state.
    pub state: AccountStateV3,
}

/// What a command made of an account.
#[derive(Debug, Clone)]
pub struct ChangedAccount {
    /// The account after it.
    pub account: AccountRecord,
    /// Whether an earlier try of the same keyed command had done it.
    pub replayed: bool,
}

/// Makes, reads and changes accounts.
#[derive(Debug)]
pub struct Accounts {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) principals: Arc<Principals>,
    pub(super) commands: Arc<Commands>,
    pub(super) counters: Arc<Counters>,
    pub(super) lists: Arc<Lists>,
    pub(super) upstreams: Upstreams,
}

impl Accounts {
    /// Refused while the deployment writes formats of before accounts had an upstream and endpoints of their own.
    pub(super) fn require_account_wide(&self) -> Result<(), Failure> {
        if self.commands.write_version.account_wide() {
            Ok(())
        } else {
            Err(Failure::Rejected(RejectionCodeV1::UpgradeNeeded))
        }
    }

    /// Creates an account. Root only.
    ///
    /// The id of a keyed command's account follows from the key, and a made-up name from the id: every retry
    /// means the same account and finds what an earlier try left of it.
    pub async fn create(&self, call: &Call, new: NewAccount) -> Result<ChangedAccount, Failure> {
        require_root(call)?;
        let identity = self.commands.identity(call, b"berth.v1.account").await?;
        let account = if identity.keyed {
            let id = self.keys.master().entry(Unique::AccountId, &identity.command_id.to_string());
            AccountId::from_bytes(*id.as_bytes())
        } else {
            new_account_id(&*self.clock, &*self.entropy)
        };
        let name = new.name.unwrap_or_else(|| format!("account-{account}"));
        let name = check_name(&name).map_err(|e| Failure::Invalid { field: "name", problem: e.0 })?;
        let token = self.account_token(new.token)?;
        let attributes = new.attributes.as_ref().map(written).transpose()?;
        let owner = account.as_bytes();
        let place = self.commands.place(call, StreamKey::account(account)).await?;
        let key = self.keys.create(owner, &*self.entropy).await?;
        // The key that an earlier try made is gone only if the account was closed since.
        let key = key.ok_or(Failure::Rejected(RejectionCodeV1::Deleted))?;
        let master = self.keys.master();
        let name_entry = master.entry(Unique::AccountName, &name);
        let name = key.seal(owner, field::NAME, name.as_bytes());
        let token_entry = master.entry(Unique::Token, &token);
        let token = key.seal(owner, field::TOKEN, token.as_bytes());
        let target = match attributes {
            None => TargetV1::CreateAccount { account, name, name_entry, token, token_entry },
            Some(attributes) => TargetV1::CreateDescribedAccount {
                account,
                name,
                name_entry,
                token,
                token_entry,
                attributes: key.seal(owner, field::ATTRIBUTES, &attributes),
            },
        };
        let created = self.decide_as(&place, call, identity, target).await;
        // Whoever refuses destroys the key, unless the command may come again; a gateway destroys none.
        if created.is_err() {
            self.keys.forget(owner);
        }
        created
    }

    /// Gives an account another token; the old one ends at once. For the operator and the account itself.
    pub async fn rotate_token(
        &self,
        call: &Call,
        account: AccountId,
        token: Option<String>,
    ) -> Result<ChangedAccount, Failure> {
        if call.principal.account().is_some_and(|own| own != account || !call.principal.is_account()) {
            return Err(Failure::Forbidden);
        }
        let token = self.account_token(token)?;
        let owner = account.as_bytes();
        let key = self.key(account).await?;
        let target = TargetV1::RotateAccountToken {
            account,
            token: key.seal(owner, field::TOKEN, token.as_bytes()),
            token_entry: self.keys.master().entry(Unique::Token, &token),
        };
        self.decide(call, target).await
    }

    /// The account with this id, unless it is closed.
    pub async fn read(&self, account: AccountId) -> Result<AccountRecord, Failure> {
        let state = self.open_state(account).await?;
        self.open_account(account, state).await
    }

    /// The state of an account that is not closed.
    async fn open_state(&self, account: AccountId) -> Result<AccountStateV3, Failure> {
        let stored = self.log.tail(&StreamKey::account(account)).await?.ok_or(Failure::NotFound)?;
        let (_, state) = decode_state::<AccountStateV3>(&stored)
            .map_err(|error| Failure::unavailable("the account's history", error))?;
        if state.closed_at.is_some() { Err(Failure::NotFound) } else { Ok(state) }
    }

    /// The account as who asks, unless it is closed: for a door that knows already whose program asks.
    pub async fn principal(&self, account: AccountId) -> Result<Principal, Failure> {
        let state = self.open_state(account).await?;
        Ok(Principal::Account { account, entry: state.token_entry })
    }

    /// A page of accounts in the order of their ids, and whether there are more. Root only.
    pub async fn page(
        &self,
        principal: &Principal,
        after: Option<AccountId>,
        limit: u16,
    ) -> Result<(Vec<AccountRecord>, bool), Failure> {
        if *principal != Principal::Root {
            return Err(Failure::Forbidden);
        }
        let page = self.lists.query(QueryV1::Accounts { after, limit }).await?;
        let mut accounts = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            let state = row
                .state
                .open::<AccountStateV3>()
                .map_err(|error| Failure::unavailable("the record view of the projections", error))?;
            accounts.push(self.open_account(row.id.account(), state).await?);
        }
        Ok((accounts, page.more))
    }

    fn account_token(&self, token: Option<String>) -> Result<String, Failure> {
        let token = token.unwrap_or_else(|| random_text(&*self.entropy, ACCOUNT_TOKEN_BYTES));
        check_token(&token).map_err(|e| Failure::Invalid { field: "token", problem: e.0 })?;
        if self.principals.is_root_key(&token) {
            return Err(Failure::Rejected(RejectionCodeV1::TokenTaken));
        }
        Ok(token)
    }

    /// Has a command decided on the account that it is for.
    pub(super) async fn decide(&self, call: &Call, target: TargetV1) -> Result<ChangedAccount, Failure> {
        let place = self.commands.place(call, target.stream()).await?;
        let identity = self.commands.identity(call, target.stream().id()).await?;
        self.decide_as(&place, call, identity, target).await
    }

    pub(super) async fn decide_as(
        &self,
        place: &Place,
        call: &Call,
        identity: Identity,
        target: TargetV1,
    ) -> Result<ChangedAccount, Failure> {
        self.counters.count_call(call).await?;
        let accepted = match self.commands.ask(place, call, identity, target).await? {
            Ok(accepted) => accepted,
            Err(RejectionCodeV1::NotFound) => return Err(Failure::NotFound),
            Err(code) => return Err(Failure::Rejected(code)),
        };
        let state =
            accepted.state.open().map_err(|error| Failure::unavailable("the account's state", error))?;
        let account = self.open_account(accepted.stream_id.account(), state).await?;
        Ok(ChangedAccount { account, replayed: accepted.replayed })
    }

    /// The data key of an account that a caller names; [`Failure::NotFound`] if there is no such account.
    pub(super) async fn key(&self, account: AccountId) -> Result<DataKey, Failure> {
        match self.keys.key(account.as_bytes()).await {
            Ok(key) => key.ok_or(Failure::NotFound),
            // The key of an account that is there is lost, that of one that never was is none.
            Err(KeyRingError::Missing) if self.log.tail(&StreamKey::account(account)).await?.is_none() => {
                Err(Failure::NotFound)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn open_account(&self, id: AccountId, state: AccountStateV3) -> Result<AccountRecord, Failure> {
        let key = self.keys.key(id.as_bytes()).await?;
        let open = |field: &str, sealed: &Sealed| {
            key.as_ref().and_then(|key| key.open_text(id.as_bytes(), field, sealed).ok())
        };
        let attributes = state.attributes.as_ref().and_then(|sealed| open(field::ATTRIBUTES, sealed));
        Ok(AccountRecord {
            id,
            name: open(field::NAME, &state.name).unwrap_or_default(),
            token: open(field::TOKEN, &state.token).unwrap_or_default(),
            attributes: attributes.and_then(|text| serde_json::from_str(&text).ok()),
            webhooks: state.webhooks.iter().map(|webhook| Webhook::opened(webhook, open)).collect(),
            state,
        })
    }
}

/// Attributes as they are sealed.
pub(super) fn written(attributes: &Value) -> Result<Vec<u8>, Failure> {
    let text = attributes.to_string().into_bytes();
    if text.len() > ATTRIBUTES_BYTES_MAX {
        return Err(Failure::Invalid { field: "attributes", problem: "at most 16 KiB of JSON are kept" });
    }
    Ok(text)
}

pub(super) fn require_root(call: &Call) -> Result<(), Failure> {
    if call.principal == Principal::Root { Ok(()) } else { Err(Failure::Forbidden) }
}
