//! Moving an instance to another account: the operator's business.

use berth_proto::{AccountId, InstanceId, command::MoveV1};
use berth_runtime::UniqueInAccount;
use serde_json::Value;

use super::{
    App, KeyKind, accounts::require_root, call::Call, commands::Answer, failure::Failure,
    principal::Principal, record::Record,
};

/// Accounts of a page in which a foreign id is looked for.
const PAGE: u16 = 500;
/// Accounts in which a foreign id is looked for.
const ACCOUNTS_MAX: usize = 10_000;
/// The settings of the dialect that gives foreign ids, and their field in them.
const FOREIGN_ID: (&str, &str) = ("codechat", "external_id");

impl App {
    /// Gives an instance to another account, with its token, its number and its session. Root only.
    pub async fn move_instance(
        &self,
        call: &Call,
        instance: InstanceId,
        to: AccountId,
    ) -> Result<Answer, Failure> {
        require_root(call)?;
        let record = self.read_any(instance).await?.ok_or(Failure::NotFound)?;
        let key = self.account_key(to).await?;
        let alias = foreign_id(&record).filter(|_| record.state.entries.alias.is_some());
        let command = MoveV1 {
            account: to,
            name_entry: key.entry(UniqueInAccount::Name, &record.name),
            alias_entry: alias.map(|alias| key.entry(UniqueInAccount::Alias, &alias)),
            webhooks: Vec::new(),
        };
        let moved = self.command(call, instance, command).await?;
        // What is remembered of its token here names the former account; others notice when they read.
        self.inner.directory.forget(record.state.entries.token);
        self.inner.directory.forget(record.state.entries.number);
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
            let (page, more) = self.accounts(principal, after, PAGE).await?;
            looked += page.len();
            after = page.last().map(|last| last.id);
            for account in page {
                // There is nobody here who would notice that what is remembered is out of date.
                self.forget_key(account.id, id).await?;
                match self.resolve_in(account.id, id, &[KeyKind::Alias]).await {
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

fn foreign_id(record: &Record) -> Option<String> {
    let block = record.settings(FOREIGN_ID.0)?;
    block.get(FOREIGN_ID.1).and_then(Value::as_str).map(str::to_owned)
}
