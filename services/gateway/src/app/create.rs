//! Creating an instance: everything that is generated is generated here.

use std::sync::Arc;

use super::{
    accounts::Accounts,
    call::Call,
    commands::{Commands, Identity},
    directory::Directory,
    failure::Failure,
    grants::LinkChoice,
    leaving::Patience,
    lists::Lists,
    names::{check_name, check_token},
    principal::Principals,
    quota::Counters,
    record::{Record, Records},
    standing::Standings,
    tokens::random_text,
    webhooks::{NewWebhook, WebhookSecret, Webhooks},
};
use berth_bus::KeyRing;
use berth_domain::instance::binding_block;
use berth_log::{LogRead, decode_state};
use berth_proto::{
    AccountId, InstanceId, StreamKey,
    command::{Command, CreateInstanceV1},
    frame::{RejectionCodeV1, TargetV1},
    instance::{EntriesV1, SettingsBlockV1},
};
use berth_runtime::{
    Clock, DataKey, Entropy, Unique, UniqueInAccount,
    entropy::{new_instance_id, new_number},
    sealing::field,
};
use serde_json::Value;

/// Numbers that are tried before a create gives up: one in nine thousand million is taken for each instance.
const NUMBER_TRIES_MAX: u32 = 8;
/// Random bytes of a generated token.
const TOKEN_BYTES: usize = 32;

/// What a new instance shall be.
#[derive(Debug, Clone, Default)]
pub struct NewInstance {
    /// Its name; made up if there is none.
    pub name: Option<String>,
    /// Its token; made up if there is none.
    pub token: Option<String>,
    /// A foreign id, unique in the account.
    pub alias: Option<String>,
    /// Opaque settings by owner.
    pub settings: Vec<(&'static str, Value)>,
    /// Webhook endpoints.
    pub webhooks: Vec<NewWebhook>,
    /// Where its link is: on an upstream, where the instance has its own name, or with workers of a library. None is where the
    /// account's instances are made: on the upstream that was chosen for it, or at the deployment's own driver.
    pub link: Option<LinkChoice>,
}

/// A created instance.
#[derive(Debug, Clone)]
pub struct Created {
    /// The instance, with its token.
    pub record: Record,
    /// The secrets of its endpoints, in the order in which they were given.
    pub secrets: Vec<WebhookSecret>,
    /// Whether an earlier try of the same keyed command had created it.
    pub replayed: bool,
}

/// Creates instances.
#[derive(Debug)]
pub struct Creator {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) directory: Arc<Directory>,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
    pub(super) standings: Arc<Standings>,
    pub(super) commands: Arc<Commands>,
    pub(super) counters: Arc<Counters>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) lists: Arc<Lists>,
}

impl Creator {
    /// Creates an instance in the caller's account. What is to have the name at an upstream of one that was just deleted waits for
    /// a bounded time until that is unlinked.
    pub async fn create(&self, call: &Call, new: NewInstance) -> Result<Created, Failure> {
        self.create_shown(Patience::new(), call, new).await
    }

    /// The same where another name is as good: no name is waited for.
    pub async fn create_at_once(&self, call: &Call, new: NewInstance) -> Result<Created, Failure> {
        self.create_shown(Patience::none(), call, new).await
    }

    /// Creates it, and has the next lists of its account wait for it.
    async fn create_shown(
        &self,
        patience: Patience,
        call: &Call,
        new: NewInstance,
    ) -> Result<Created, Failure> {
        let created = self.create_within(patience, call, new).await?;
        if !created.replayed {
            self.lists.will_show(&created.record);
        }
        Ok(created)
    }

    pub(super) async fn create_within(
        &self,
        mut patience: Patience,
        call: &Call,
        mut new: NewInstance,
    ) -> Result<Created, Failure> {
        let account = account_of(call)?;
        self.counters.count_call(call).await?;
        let name = match &new.name {
            Some(name) => check_name(name).map_err(|e| Failure::Invalid { field: "name", problem: e.0 })?,
            None => format!("instance-{}", random_text(&*self.entropy, 8)),
        };
        let token = match &new.token {
            Some(token) => {
                check_token(token).map_err(|e| Failure::Invalid { field: "token", problem: e.0 })?;
                token.clone()
            }
            None => random_text(&*self.entropy, TOKEN_BYTES),
        };
        if self.principals.is_root_key(&token) {
            return Err(Failure::Rejected(RejectionCodeV1::TokenTaken));
        }
        if new.link.is_none() {
            new.link = match self.accounts.default_link(account).await {
                Ok(link) => link,
                Err(refused) => return self.made_before(call).await?.ok_or(refused),
            };
        }
        if let Some(link) = &new.link
            && (link.is_kept_for_another(&name, account) || self.is_named_there(account, link, &name).await?)
        {
            let refused = Failure::Rejected(RejectionCodeV1::NameTaken);
            return self.made_before(call).await?.ok_or(refused);
        }
        let identity = self.commands.identity(call, account.as_bytes()).await?;
        let draft = Draft { call, account, name, token, new: &new, identity };
        loop {
            match self.try_numbers(&draft).await {
                Err(refused)
                    if refused.rejection() == Some(RejectionCodeV1::StillLeaving)
                        && self.may_be_free(&draft, &mut patience).await => {}
                other => return other,
            }
        }
    }

    async fn try_numbers(&self, draft: &Draft<'_>) -> Result<Created, Failure> {
        for _ in 0..NUMBER_TRIES_MAX {
            match self.try_create(draft).await {
                Err(failure) if failure.rejection() == Some(RejectionCodeV1::NumberTaken) => {}
                other => return other,
            }
        }
        Err(Failure::Rejected(RejectionCodeV1::NumberTaken))
    }

    async fn try_create(&self, draft: &Draft<'_>) -> Result<Created, Failure> {
        let id = new_instance_id(&*self.clock, &*self.entropy);
        let key = DataKey::generate(&*self.entropy);
        // Whoever decides destroys the key of an id that comes to nothing; a gateway destroys none.
        let created = self.send_create(draft, id, &key).await;
        if !created.as_ref().is_ok_and(|created| created.record.id == id) {
            self.keys.forget(id.as_bytes());
        }
        created
    }

    async fn send_create(
        &self,
        draft: &Draft<'_>,
        id: InstanceId,
        key: &DataKey,
    ) -> Result<Created, Failure> {
        let (command, secrets) = self.create_command(draft, id, key).await?;
        let record = command.to_record().map_err(|_| Failure::Rejected(RejectionCodeV1::StateTooLarge))?;
        // Only now: what could not be asked for needs no key, and one that nobody decides about would stay.
        let place = self.commands.place(draft.call, StreamKey::instance(id)).await?;
        if !self.keys.give(id.as_bytes(), key).await? {
            return Err(Failure::unavailable("the key store", "a new instance got no data key"));
        }
        let target = TargetV1::Instance { instance: id, command: record };
        match self.commands.ask(&place, draft.call, draft.identity, target).await? {
            Ok(accepted) => {
                let made = accepted.stream_id.instance();
                let record = self.records.open_record(made, accepted.version, &accepted.state).await?;
                match made == id {
                    // What was sealed here, also if an answer inside the deployment was lost and asked for again.
                    true => Ok(Created { record, secrets, replayed: false }),
                    false if record.is_deleted() => Err(Failure::Rejected(RejectionCodeV1::Deleted)),
                    false => self.created_before(record.id).await,
                }
            }
            Err(code) => Err(Failure::Rejected(code)),
        }
    }

    /// The answer to an earlier try of the same keyed create, whose client may never have seen it: the instance and
    /// its secrets as the first commit left them.
    pub(super) async fn created_before(&self, instance: InstanceId) -> Result<Created, Failure> {
        let first = self.log.read(&StreamKey::instance(instance), 0, 1).await?;
        let first = first.first().ok_or(Failure::NotFound)?;
        let (commit, state) = decode_state(first).map_err(|_| Failure::Rejected(RejectionCodeV1::Damaged))?;
        let record = self.records.record_as_stored(instance, commit.version, state).await?;
        if record.erased {
            return Err(Failure::Rejected(RejectionCodeV1::Deleted));
        }
        let secrets = record.state.webhooks.iter().map(|webhook| record.webhook_secret(webhook)).collect();
        Ok(Created { record, secrets, replayed: true })
    }

    async fn create_command(
        &self,
        draft: &Draft<'_>,
        id: InstanceId,
        key: &DataKey,
    ) -> Result<(Command, Vec<WebhookSecret>), Failure> {
        let owner = id.as_bytes();
        let account_key = self.keys.key(draft.account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        let master = self.keys.master();
        let number = new_number(&*self.entropy);
        let creation =
            draft.call.idempotency.as_ref().map(|it| account_key.entry(UniqueInAccount::Creation, &it.key));
        let mut webhooks = Vec::new();
        let mut secrets = Vec::new();
        for webhook in &draft.new.webhooks {
            let (sealed, secret) = self.webhooks.seal(owner, key, webhook)?;
            webhooks.push(sealed);
            secrets.push(secret);
        }
        let settings = draft.new.settings.iter().map(|(block_owner, body)| SettingsBlockV1 {
            owner: (*block_owner).to_owned(),
            body: key.seal(owner, field::SETTINGS, body.to_string().as_bytes()),
        });
        let bound = draft.new.link.as_ref().map(|link| {
            let name = key.seal(owner, field::SETTINGS, link.name_there(&draft.name).as_bytes());
            binding_block(link.kind, &link.at, name)
        });
        let command = CreateInstanceV1 {
            account: draft.account,
            number,
            name: key.seal(owner, field::NAME, draft.name.as_bytes()),
            token: key.seal(owner, field::TOKEN, draft.token.as_bytes()),
            entries: EntriesV1 {
                name: account_key.entry(UniqueInAccount::Name, &draft.name),
                token: master.entry(Unique::Token, &draft.token),
                number: master.entry(Unique::Number, &number.to_string()),
                alias: draft.new.alias.as_ref().map(|alias| account_key.entry(UniqueInAccount::Alias, alias)),
                creation,
            },
            settings: settings.chain(bound).collect(),
            webhooks,
        };
        Ok((command.into(), secrets))
    }
}

/// The account that a call may create in.
pub(super) fn account_of(call: &Call) -> Result<AccountId, Failure> {
    call.principal.account().filter(|_| call.principal.is_account()).ok_or(Failure::Forbidden)
}

/// What a create has fixed before it tries numbers.
pub(super) struct Draft<'a> {
    call: &'a Call,
    account: AccountId,
    pub(super) name: String,
    token: String,
    new: &'a NewInstance,
    identity: Identity,
}

impl Draft<'_> {
    /// Where the instance shall be, if not at the deployment's own driver.
    pub(super) const fn link(&self) -> Option<&LinkChoice> {
        self.new.link.as_ref()
    }
}
