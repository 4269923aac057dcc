//! Which upstreams an account may have instances on, and which one it has them on if nobody says where.

use berth_proto::AccountId;

use super::{
    accounts::{AccountRecord, Accounts},
    failure::Failure,
};

/// Where a link is: the kind and the name of an upstream, or of workers.
pub type LinkChoice = (&'static str, String);

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
        is_granted.then(|| (settings.kind.as_str(), settings.name.clone()))
    }
}
