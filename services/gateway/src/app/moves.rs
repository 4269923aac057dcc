//! Moving an instance to another account: the operator's business.

use std::sync::Arc;

use super::{
    KeyKind,
    accounts::{Accounts, require_root},
    call::Call,
    commands::{Answer, Commands},
    directory::Directory,
    failure::Failure,
    principal::Principal,
    record::{Record, Records},
    resolve::Resolver,
};
use berth_proto::{AccountId, InstanceId, command::MoveV1};
use berth_runtime::UniqueInAccount;

/// Accounts of a page in which a foreign id is looked for.
const PAGE: u16 = 500;
/// Accounts in which a foreign id is looked for.
const ACCOUNTS_MAX: usize = 10_000;

/// Moves instances between accounts.
#[derive(Debug)]
pub struct Moves {
    /// The foreign id of an instance, if it has one: only the dialect that gives them knows.
    pub(super) foreign_id: fn(&Record) -> Option<String>,
    pub(super) directory: Arc<Directory>,
    pub(super) records: Arc<Records>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) commands: Arc<Commands>,
    pub(super) accounts: Arc<Accounts>,
}

impl Moves {
    /// Gives an instance to another account, with its token, its number and its session. Root only.
    pub async fn run(&self, call: &Call, instance: InstanceId, to: AccountId) -> Result<Answer, Failure> {
        require_root(call)?;
        let record = self.records.read_any(instance).await?.ok_or(Failure::NotFound)?;
        let key = self.accounts.key(to).await?;
        let alias = (self.foreign_id)(&record).filter(|_| record.state.entries.alias.is_some());
        let command = MoveV1 {
            account: to,
            name_entry: key.entry(UniqueInAccount::Name, &record.name),
            alias_entry: alias.map(|alias| key.entry(UniqueInAccount::Alias, &alias)),
            webhooks: Vec::new(),
        };
        let moved = self.commands.decide(call, instance, command).await?;
        // What is remembered of its token here names the former account; others notice when they read.
        self.directory.forget(record.state.entries.token);
        self.directory.forget(record.state.entries.number);
        Ok(moved)
    }

    /// The instances that have this id, or this foreign id in some account: foreign ids are unique in an account
    /// only. Root only.
    pub async fn instances_of_id(&self, principal: &Principal, id: &str) -> Result<Vec<InstanceId>, Failure> {
        if let Ok(own) = id.parse() {
            return Ok(vec![own]);
        }
        let (mut found, mut looked, mut after) = (Vec::new(), 0, None);
        loop {
            let (page, more) = self.accounts.page(principal, after, PAGE).await?;
            looked += page.len();
            after = page.last().map(|last| last.id);
            for account in page {
                // There is nobody here who would notice that what is remembered is out of date.
                self.resolver.forget_key(account.id, id).await?;
                match self.resolver.resolve_in(account.id, id, &[KeyKind::Alias]).await {
                    Ok(instance) => found.push(instance),
                    Err(Failure::NotFound) => {}
                    Err(failure) => return Err(failure),
                }
            }
            if !more || looked >= ACCOUNTS_MAX {
                return Ok(found);
            }
        }
    }
}
