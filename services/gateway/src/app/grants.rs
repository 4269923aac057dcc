//! Which upstreams an account may have instances on, and which one it has them on if nobody says where.

use berth_domain::instance::WORKER;
use berth_proto::AccountId;

use super::{
    accounts::{AccountRecord, Accounts},
    failure::Failure,
};

/// Where the link of a new instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChoice {
    /// The kind of the upstream, or that of workers.
    pub kind: &'static str,
    /// The name of the upstream; of the library, if it is with workers.
    pub at: String,
    /// What its name there ends with. Names there are of the whole upstream, and an account that shares one shall find its own free:
    /// whoever has a name there is decided by the directory. Empty where an account has the upstream for itself, and for an instance
    /// that has its name already.
    pub ending: String,
}

impl LinkChoice {
    /// What an instance of this name is called there.
    pub(super) fn name_there(&self, name: &str) -> String {
        format!("{name}{}", self.ending)
    }

    /// What was created under a name with such an ending is called here, and whose it is.
    pub(super) fn made_as(there: &str) -> Option<(&str, AccountId)> {
        let (name, account) = there.rsplit_once('-')?;
        Some((name, account.parse().ok()?))
    }

    /// Whether a name that is to be made there is one that another account's instances get, while that account shares the upstream or
    /// when it will.
    pub(super) fn is_kept_for_another(&self, name: &str, account: AccountId) -> bool {
        let there = self.name_there(name);
        self.kind != WORKER && Self::made_as(&there).is_some_and(|(_, owner)| owner != account)
    }
}

impl Accounts {
    /// An upstream, if the account may have instances on it. Another account's and an unknown one are the same.
    pub async fn granted(&self, account: AccountId, upstream: &str) -> Result<Option<LinkChoice>, Failure> {
        if self.upstreams.named(upstream).is_none() {
            return Ok(None);
        }
        Ok(self.granted_to(&self.read(account).await?, upstream))
    }

    /// Where an instance of the account is made if nobody says where: none is the deployment's own driver.
    pub async fn default_link(&self, account: AccountId) -> Result<Option<LinkChoice>, Failure> {
        let account = self.read(account).await?;
        let Some(name) = &account.state.upstream else { return Ok(None) };
        // Made elsewhere it would have to stay there for life, also where no upstream is configured any more.
        let refused = Failure::Invalid {
            field: "link",
            problem: "the upstream that was chosen for the account is not one that it has any more",
        };
        self.granted_to(&account, name).map(Some).ok_or(refused)
    }

    fn granted_to(&self, account: &AccountRecord, upstream: &str) -> Option<LinkChoice> {
        let settings = &self.upstreams.named(upstream)?.settings;
        let id = account.id.to_string();
        let is_granted = settings.accounts.iter().any(|granted| *granted == id || *granted == account.name);
        let ending = if settings.accounts.len() > 1 { format!("-{id}") } else { String::new() };
        is_granted.then(|| LinkChoice { kind: settings.kind.as_str(), at: settings.name.clone(), ending })
    }
}
