//! How an instance stands for messaging, as the log has it: one read for all who ask at the same time.
//!
//! Unlike a [`Record`](super::Record) it needs no key, since nothing personal is opened: a gate is asked before every
//! message.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::instance::{Unusable, binding, may_message};
use berth_proto::{
    AccountId, InstanceId, Sealed,
    instance::{ConnectionV1, InstanceStateV1, PhaseV1},
};
use berth_runtime::{Clock, sealing::field};

use super::{
    coalesce::Coalesce,
    failure::Failure,
    principal::{Held, Principal, Principals},
    states::States,
};

/// How an instance stands for messaging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The instance.
    pub instance: InstanceId,
    /// The connection of the device that may be used, or why none may.
    pub usable: Result<ConnectionV1, Unusable>,
    /// The number of its session.
    pub(super) session: u32,
    /// The upstream that it is on.
    pub upstream: Option<Arc<str>>,
    /// Its name there, sealed like a block of settings.
    pub(super) name_there: Option<Arc<Sealed>>,
    held: Held,
}

impl Standing {
    fn of(instance: InstanceId, state: &InstanceStateV1) -> Self {
        let on_upstream = binding(state).and_then(|it| Some((it.on_upstream()?, it.name)));
        Self {
            instance,
            usable: may_message(state).map(|link| link.connection),
            session: state.session,
            upstream: on_upstream.map(|(upstream, _)| Arc::from(upstream)),
            name_there: on_upstream.map(|(_, name)| Arc::new(name.clone())),
            held: Held {
                instance,
                account: state.account,
                credential_version: state.credential_version,
                deleted: matches!(state.phase, PhaseV1::Deleted { .. }),
            },
        }
    }

    /// The account that it belongs to, or belonged to when it was deleted.
    pub(super) const fn account(&self) -> AccountId {
        self.held.account
    }

    pub(super) const fn is_deleted(&self) -> bool {
        self.held.deleted
    }

    /// Its name at the upstream; none if it is on none, or erased.
    pub(super) async fn name_at_upstream(&self, keys: &KeyRing) -> Result<Option<String>, Failure> {
        let Some(sealed) = &self.name_there else { return Ok(None) };
        let owner = self.instance.as_bytes();
        let Some(key) = keys.key(owner).await? else { return Ok(None) };
        let opened = key.open_text(owner, field::SETTINGS, sealed);
        opened.map(Some).map_err(|error| Failure::unavailable("the instance's name at its upstream", error))
    }

    /// Whether the caller may know of it; as [`Records::read`](super::Records::read) decides.
    fn admit(&self, principal: &Principal) -> Result<(), Failure> {
        principal.admit(&self.held)?;
        if self.held.deleted { Err(Failure::NotFound) } else { Ok(()) }
    }
}

/// Reads standings.
#[derive(Debug)]
pub struct Standings {
    states: Arc<States>,
    clock: Arc<dyn Clock>,
    principals: Arc<Principals>,
    reads: Coalesce<InstanceId, Option<Standing>>,
}

impl Standings {
    pub(super) fn new(states: &Arc<States>, clock: &Arc<dyn Clock>, principals: &Arc<Principals>) -> Self {
        Self {
            states: Arc::clone(states),
            clock: Arc::clone(clock),
            principals: Arc::clone(principals),
            reads: Coalesce::new(),
        }
    }

    /// How the instance stands, by a read that begins after this call. It fails as
    /// [`Records::read`](super::Records::read) does.
    pub async fn read(&self, principal: &Principal, instance: InstanceId) -> Result<Standing, Failure> {
        let standing = self.reads.read(instance, || self.look(instance)).await?.ok_or(Failure::NotFound)?;
        if let Err(refused) = standing.admit(principal) {
            let now = self.principals.present_holder(principal).await?.ok_or(refused)?;
            standing.admit(&now)?;
        }
        Ok(standing)
    }

    /// How the instance stands, without asking who wants to know; none if there is no such instance.
    pub(super) async fn of(&self, instance: InstanceId) -> Result<Option<Standing>, Failure> {
        self.reads.read(instance, || self.look(instance)).await
    }

    async fn look(&self, instance: InstanceId) -> Result<Option<Standing>, Failure> {
        let Some((_, state)) = self.states.read(instance).await? else { return Ok(None) };
        let state = berth_domain::instance::effective(&state, self.clock.now());
        Ok(Some(Standing::of(instance, &state)))
    }
}
