//! What may be asked of an audit, and what it finds.

use berth_proto::{
    AccountId, InstanceId, Kind, Timestamp, account::AccountEvent, commit::PrincipalV1,
    directory::DirectoryEvent, event::Event, public,
};
use serde_json::{Map, Value};

use super::{history::Entry, principal::Principal};

/// Who a command was decided for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The operator, with the root key.
    Root,
    /// An account, with its token.
    Account,
    /// An instance, with its token.
    Instance,
    /// A service of the deployment.
    Service,
}

/// What something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// An instance.
    Instance,
    /// An account.
    Account,
    /// An entry of the directory: a name, token, number or foreign id.
    Directory,
}

/// What is asked for. What is none, or empty, is whatever it is.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of this account: the root key's to choose.
    pub account: Option<AccountId>,
    /// What happened to this instance.
    pub instance: Option<InstanceId>,
    /// What happened to these. If nothing is named: whatever the events that are asked for happen to; else instances and
    /// accounts.
    pub about: Vec<About>,
    /// What one of these asked for.
    pub actors: Vec<Actor>,
    /// What came in by one of these doors: `native`, `console`, a dialect, `connector`, `sweeper`.
    pub doors: Vec<String>,
    /// Events of these names, such as `LoggedOut` or `AccountClosed`.
    pub events: Vec<String>,
    /// What happened at this moment or later.
    pub from: Option<Timestamp>,
    /// What happened before this moment.
    pub to: Option<Timestamp>,
}

/// An event that was asked for.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// What it happened to.
    pub about: About,
    /// The instance that it happened to; none for an account, and for an entry of the directory that is no instance's.
    pub instance: Option<InstanceId>,
    /// The account that it happened to, or that had the instance after it; none if the commit does not say.
    pub account: Option<AccountId>,
    /// Its name; none if this release does not know its type.
    pub name: Option<&'static str>,
    /// What it says, without what is sealed.
    pub data: Map<String, Value>,
    /// Where it stands.
    pub entry: Entry,
}

impl AuditQuery {
    /// What is searched: what is named, else what the events that are asked for happen to.
    pub(super) fn about(&self) -> Vec<About> {
        let happens = |about: &About| self.events.iter().any(|name| about.names().any(|known| known == name));
        match (self.about.is_empty(), self.events.is_empty()) {
            (false, _) => self.about.clone(),
            (true, false) => About::ALL.into_iter().filter(happens).collect(),
            (true, true) => vec![About::Instance, About::Account],
        }
    }

    /// Whether a moment is in the time that is asked for.
    pub(super) fn is_then(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// Whether an event is what is asked for.
    pub(super) fn wants(&self, found: &AuditEntry) -> bool {
        let entry = &found.entry;
        let receipt = public::receipt_of(&entry.commit, entry.index);
        let is_actor =
            |actors: &[Actor]| receipt.is_some_and(|it| actors.contains(&Actor::of(&it.principal)));
        let is_door = |doors: &[String]| receipt.is_some_and(|it| doors.contains(&it.origin.via));
        let is_event = |names: &[String]| found.name.is_some_and(|own| names.iter().any(|name| name == own));
        self.is_then(entry.commit.occurred_at)
            && (self.actors.is_empty() || is_actor(&self.actors))
            && (self.doors.is_empty() || is_door(&self.doors))
            && (self.events.is_empty() || is_event(&self.events))
    }
}

impl AuditEntry {
    pub(super) fn of_instance(instance: InstanceId, account: Option<AccountId>, entry: Entry) -> Self {
        let name = entry.event.as_ref().map(Event::name);
        let data = entry.event.as_ref().map(public::event_data).unwrap_or_default();
        Self { about: About::Instance, instance: Some(instance), account, name, data, entry }
    }

    pub(super) fn of_account(account: AccountId, entry: Entry) -> Self {
        let event = entry.commit.events.get(entry.index);
        let event = event.and_then(|record| AccountEvent::from_record(record).ok());
        let data = event.as_ref().map(public::account_event_data).unwrap_or_default();
        let (about, account) = (About::Account, Some(account));
        Self { about, instance: None, account, name: event.as_ref().map(AccountEvent::name), data, entry }
    }

    pub(super) fn of_directory(entry: Entry) -> Self {
        let event = entry.commit.events.get(entry.index);
        let event = event.and_then(|record| DirectoryEvent::from_record(record).ok());
        let (account, instance) = match &event {
            Some(DirectoryEvent::Reserved(it)) => (Some(it.hold.account), it.hold.instance),
            Some(DirectoryEvent::Released(it)) => (None, it.former.instance),
            None => (None, None),
        };
        let data = event.as_ref().map(public::directory_event_data).unwrap_or_default();
        let name = event.as_ref().map(DirectoryEvent::name);
        Self { about: About::Directory, instance, account, name, data, entry }
    }

    /// Under whose key it is sealed where its command came from. An account is not told where its operator is.
    pub(super) fn owner(&self, asks: &Principal) -> Option<[u8; 16]> {
        let receipt = public::receipt_of(&self.entry.commit, self.entry.index)?;
        match self.about {
            About::Instance => self.instance.map(|instance| *instance.as_bytes()),
            About::Account if receipt.principal == PrincipalV1::Root && asks.account().is_some() => None,
            About::Account => self.account.map(|account| *account.as_bytes()),
            About::Directory => None,
        }
    }
}

impl About {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Instance, Self::Account, Self::Directory];

    /// Its word.
    pub const fn word(self) -> &'static str {
        self.kind().as_str()
    }

    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Instance => Kind::Instance,
            Self::Account => Kind::Account,
            Self::Directory => Kind::Directory,
        }
    }

    /// The names of the events that happen to it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let table = match self {
            Self::Instance => Event::TABLE,
            Self::Account => AccountEvent::TABLE,
            Self::Directory => DirectoryEvent::TABLE,
        };
        table.iter().map(|(name, _)| *name)
    }
}

impl Actor {
    /// Who it was.
    pub const fn of(principal: &PrincipalV1) -> Self {
        match principal {
            PrincipalV1::Root => Self::Root,
            PrincipalV1::Account { .. } => Self::Account,
            PrincipalV1::Instance { .. } => Self::Instance,
            PrincipalV1::Service => Self::Service,
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Account => "account",
            Self::Instance => "instance",
            Self::Service => "service",
        }
    }

    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Account, Self::Instance, Self::Service];
}
