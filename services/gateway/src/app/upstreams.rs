//! Instances on upstreams: who may have them, and taking over those that are there already.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::instance::WORKER;
use berth_proto::{AccountId, InstanceId, directory::DirectoryStateV1, frame::RejectionCodeV1};
use berth_runtime::{Unique, UniqueInAccount};
use berth_upstreams::{Upstream, UpstreamError, Upstreams, evolution::Row};
use thiserror::Error;

use super::{
    accounts::Accounts,
    call::{Call, Client},
    create::{Created, Creator, NewInstance},
    directory::Directory,
    failure::Failure,
    grants::LinkChoice,
    leaving::Patience,
    names::{check_name, check_token},
    principal::{Principal, Principals},
    standing::Standings,
};

/// The kind of instance there that has a device.
const WITH_DEVICE: &str = "WHATSAPP-BAILEYS";

/// Where a create wants its instance, if not where the account's are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedLink {
    /// On this upstream.
    Upstream(String),
    /// With workers of this library.
    Worker(String),
}

/// What is asked of an adoption.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The account that the instances shall belong to.
    pub account: AccountId,
    /// Whether it is only said what would happen.
    pub dry_run: bool,
    /// The names there of those that it is about; none is all.
    pub only: Option<Vec<String>>,
    /// Whether those come back that were deleted here.
    pub deleted_too: bool,
}

/// What an adoption comes to for one instance of the upstream.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Its name.
    pub name: String,
    /// `adopted`, `to_adopt`, `present`, `deleted_here` or `refused`.
    pub outcome: &'static str,
    /// Why it is refused.
    pub reason: Option<&'static str>,
}

/// Why nothing was adopted.
#[derive(Debug, Error)]
pub enum UpstreamFailure {
    /// As any call fails.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The upstream gave no list.
    #[error("the upstream gave no list of its instances")]
    Upstream(#[from] UpstreamError),
}

/// Grants upstreams and adopts what is on them.
#[derive(Debug)]
pub struct Adoptions {
    pub(super) keys: KeyRing,
    pub(super) directory: Arc<Directory>,
    pub(super) principals: Arc<Principals>,
    pub(super) standings: Arc<Standings>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) creator: Arc<Creator>,
    pub(super) upstreams: Upstreams,
    pub(super) workers: Vec<String>,
    pub(super) worker_accounts: Option<Vec<String>>,
}

impl Adoptions {
    /// Every upstream. Root only.
    pub fn all(&self, principal: &Principal) -> Result<&[Arc<Upstream>], Failure> {
        if *principal == Principal::Root { Ok(self.upstreams.all()) } else { Err(Failure::Forbidden) }
    }

    /// Creates an instance where it is wanted, or where the account's are made if nobody says where. A repeat of a keyed create is
    /// answered as the first was, whatever the account was granted since.
    pub async fn create(
        &self,
        call: &Call,
        wanted: Option<&WantedLink>,
        new: NewInstance,
    ) -> Result<Created, Failure> {
        let link = match wanted {
            None => None,
            Some(wanted) => match self.link(&call.principal, wanted).await {
                Ok(link) => Some(link),
                Err(refused) => return self.creator.made_before(call).await?.ok_or(refused),
            },
        };
        self.creator.create(call, NewInstance { link, ..new }).await
    }

    /// Where an instance shall be that its creator wants on an upstream, or with workers of a library.
    async fn link(&self, principal: &Principal, wanted: &WantedLink) -> Result<LinkChoice, Failure> {
        match wanted {
            WantedLink::Upstream(name) => {
                let account = principal.account().ok_or(Failure::Forbidden)?;
                self.accounts.granted(account, name).await?.ok_or(Failure::Invalid {
                    field: "link.upstream",
                    problem: "the account has no such upstream",
                })
            }
            WantedLink::Worker(library) => {
                let is_there = self.workers.contains(library);
                if is_there && self.may_have_workers(principal).await? {
                    return Ok(LinkChoice { kind: WORKER, at: library.clone(), ending: String::new() });
                }
                Err(Failure::Invalid {
                    field: "link.worker",
                    problem: "the account has no workers with this library",
                })
            }
        }
    }

    async fn may_have_workers(&self, principal: &Principal) -> Result<bool, Failure> {
        let Some(granted) = &self.worker_accounts else { return Ok(true) };
        let account = principal.account().ok_or(Failure::Forbidden)?;
        let (id, name) = (account.to_string(), self.accounts.read(account).await?.name);
        Ok(granted.iter().any(|one| *one == id || *one == name))
    }

    /// Makes an instance here of each that is there, with its name and token. Its device is found by whoever owns the
    /// links. What is here already stays as it is, and what was deleted here stays away, so a repeat changes nothing. Root only.
    pub async fn adopt(
        &self,
        principal: &Principal,
        client: &Client,
        upstream: &str,
        asked: &Adoption,
    ) -> Result<Vec<Adopted>, UpstreamFailure> {
        if *principal != Principal::Root {
            return Err(Failure::Forbidden.into());
        }
        let upstream = self.upstreams.named(upstream).ok_or(Failure::NotFound)?;
        if self.accounts.granted(asked.account, &upstream.settings.name).await?.is_none() {
            return Err(
                Failure::Invalid { field: "account", problem: "it was not granted the upstream" }.into()
            );
        }
        let mut rows = upstream.client.all().await?;
        if let Some(only) = &asked.only {
            rows.retain(|row| only.contains(&row.name));
        }
        let operator = Principal::Operator { account: asked.account };
        let mut told = Vec::with_capacity(rows.len());
        for row in rows {
            // Counted by nobody: an operator's own doing is no client's command.
            let call = Call::counted(operator, "native", client.clone());
            told.push(self.adopt_one(&call, upstream, row, asked).await?);
        }
        Ok(told)
    }

    async fn adopt_one(
        &self,
        call: &Call,
        upstream: &Upstream,
        row: Row,
        asked: &Adoption,
    ) -> Result<Adopted, Failure> {
        let name = row.name.clone();
        let (outcome, reason) = match self.obstacle(upstream, &row, asked).await? {
            Obstacle::Present => ("present", None),
            Obstacle::Deleted => ("deleted_here", None),
            Obstacle::Refused(reason) => ("refused", Some(reason)),
            Obstacle::None if asked.dry_run => ("to_adopt", None),
            Obstacle::None => {
                let settings = &upstream.settings;
                let new = NewInstance {
                    name: Some(row.name),
                    token: Some(row.token),
                    link: Some(LinkChoice {
                        kind: settings.kind.as_str(),
                        at: settings.name.clone(),
                        ending: String::new(),
                    }),
                    ..NewInstance::default()
                };
                // One of many: it waits for nothing.
                match self.creator.create_within(Patience::none(), call, new).await {
                    Ok(_) => ("adopted", None),
                    Err(Failure::Rejected(RejectionCodeV1::NameTaken)) => ("refused", Some("name_taken")),
                    Err(Failure::Rejected(RejectionCodeV1::TokenTaken)) => ("refused", Some("token_taken")),
                    Err(Failure::Rejected(RejectionCodeV1::StillLeaving)) => {
                        ("refused", Some("still_leaving"))
                    }
                    Err(failure) => return Err(failure),
                }
            }
        };
        Ok(Adopted { name, outcome, reason })
    }

    /// What stands against adopting an instance.
    async fn obstacle(&self, upstream: &Upstream, row: &Row, asked: &Adoption) -> Result<Obstacle, Failure> {
        if row.integration != WITH_DEVICE {
            return Ok(Obstacle::Refused("no_device"));
        }
        // A name is kept as it is or not at all: its clients have it in their paths.
        if check_name(&row.name).ok().as_ref() != Some(&row.name) {
            return Ok(Obstacle::Refused("invalid_name"));
        }
        if check_token(&row.token).is_err() {
            return Ok(Obstacle::Refused("invalid_token"));
        }
        if self.principals.is_root_key(&row.token) {
            return Ok(Obstacle::Refused("token_taken"));
        }
        let key = self.keys.key(asked.account.as_bytes()).await?.ok_or(Failure::NotFound)?;
        let master = self.keys.master();
        let there = master.entry_at_upstream(&upstream.settings.name, &row.name);
        let there = self.directory.state(there).await?;
        let named = |name: &str| key.entry(UniqueInAccount::Name, name);
        let by_name = self.directory.state(named(&row.name)).await?;
        let made_here = match LinkChoice::made_as(&row.name) {
            Some((name, owner)) if owner == asked.account => self.directory.state(named(name)).await?,
            Some(_) | None => None,
        };
        let by_token = self.directory.state(master.entry(Unique::Token, &row.token)).await?;
        // The first tells all of them; the others tell of those that were deleted before names there were reserved, and of those whose
        // name there is about to be.
        let known: Vec<_> = [&there, &by_name, &made_here, &by_token]
            .into_iter()
            .flatten()
            .flat_map(|state| holders(state))
            .collect();
        let mut was_deleted = false;
        for instance in known {
            match self.stands(upstream, row, instance).await? {
                Some(Stands::Here(account)) if account == asked.account => return Ok(Obstacle::Present),
                Some(Stands::Here(_)) => return Ok(Obstacle::Refused("name_taken")),
                Some(Stands::Deleted) => was_deleted = true,
                None => {}
            }
        }
        let is_held =
            |state: &Option<Arc<DirectoryStateV1>>| state.as_ref().is_some_and(|it| it.hold.is_some());
        Ok(if was_deleted && !asked.deleted_too {
            Obstacle::Deleted
        } else if is_held(&by_name) {
            Obstacle::Refused("name_taken")
        } else if is_held(&by_token) {
            Obstacle::Refused("token_taken")
        } else {
            Obstacle::None
        })
    }

    /// How an instance stands that is the one there, or that was on its upstream and is deleted, so that nobody can know its name
    /// there any more.
    async fn stands(
        &self,
        upstream: &Upstream,
        row: &Row,
        instance: InstanceId,
    ) -> Result<Option<Stands>, Failure> {
        let Some(standing) = self.standings.of(instance).await? else { return Ok(None) };
        if standing.upstream.as_deref() != Some(upstream.settings.name.as_str()) {
            return Ok(None);
        }
        if standing.is_deleted() {
            return Ok(Some(Stands::Deleted));
        }
        // It may have another name here by now.
        let name = standing.name_at_upstream(&self.keys).await?;
        let is_there = name.as_deref() == Some(row.name.as_str());
        Ok(is_there.then(|| Stands::Here(standing.account())))
    }
}

/// The instances that have a key, or had it.
fn holders(state: &DirectoryStateV1) -> impl Iterator<Item = InstanceId> {
    let held = state.hold.iter().filter_map(|hold| hold.instance);
    held.chain(state.former.iter().filter_map(|former| former.instance))
}

/// What stands against adopting an instance.
enum Obstacle {
    None,
    Present,
    Deleted,
    Refused(&'static str),
}

/// How an instance stands that is there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It belongs to this account.
    Here(AccountId),
    Deleted,
}
