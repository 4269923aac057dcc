//! An instance by what stands in a path, read or commanded, although what is remembered of the path or of the
//! caller's token may be out of date.

use std::{sync::Arc, time::Duration};

use berth_proto::{InstanceId, command::Command, frame::RejectionCodeV1};

use super::{
    call::{Call, Idempotency},
    codes::{Codes, Connected},
    commands::{Answer, Commands},
    failure::Failure,
    principal::{Principal, Principals},
    record::{Record, Records},
    resolve::{KeyKind, Resolver},
    standing::{Standing, Standings},
};

/// Kinds of texts under which a keyed command finds its instance again when they name none any more.
const OTHERS: [KeyKind; 2] = [KeyKind::Number, KeyKind::Alias];

/// What a call is aimed at; each thing that is remembered is looked up again once before the call is refused.
#[derive(Debug)]
struct Aim<'a> {
    principal: Principal,
    text: &'a str,
    order: &'a [KeyKind],
    idempotency: Option<&'a Idempotency>,
    /// The instance that was hit last; none before the first try.
    instance: Option<InstanceId>,
    name_is_fresh: bool,
    token_is_fresh: bool,
}

impl<'a> Aim<'a> {
    const fn new(principal: Principal, text: &'a str, order: &'a [KeyKind]) -> Self {
        Self {
            principal,
            text,
            order,
            idempotency: None,
            instance: None,
            name_is_fresh: false,
            token_is_fresh: false,
        }
    }

    fn of(call: &'a Call, text: &'a str, order: &'a [KeyKind]) -> Self {
        Self { idempotency: call.idempotency.as_ref(), ..Self::new(call.principal, text, order) }
    }
}

/// Reads and commands what a text names.
#[derive(Debug)]
pub struct Finder {
    pub(super) resolver: Arc<Resolver>,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
    pub(super) commands: Arc<Commands>,
    pub(super) codes: Arc<Codes>,
    pub(super) standings: Arc<Standings>,
}

impl Finder {
    /// The instance that `text` names for this caller, as it is now.
    pub async fn find(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
    ) -> Result<Record, Failure> {
        let read = |principal, instance| async move { self.records.read(&principal, instance).await };
        self.aimed(Aim::new(*principal, text, order), read).await
    }

    /// How the instance that `text` names for this caller stands for messaging.
    pub async fn standing(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
    ) -> Result<Standing, Failure> {
        let read = |principal, instance| async move { self.standings.read(&principal, instance).await };
        self.aimed(Aim::new(*principal, text, order), read).await
    }

    /// Has a command decided on the instance that `text` names for this caller.
    ///
    /// A keyed command finds the instance that it was first sent to, also after its name was used again.
    pub async fn decide_on(
        &self,
        call: &Call,
        text: &str,
        order: &[KeyKind],
        command: impl Into<Command>,
    ) -> Result<Answer, Failure> {
        let command = command.into();
        let command = &command;
        let decide = |principal, instance| async move {
            self.commands.decide(&Call { principal, ..call.clone() }, instance, command.clone()).await
        };
        self.aimed(Aim::of(call, text, order), decide).await
    }

    /// Connects the instance that `text` names; see [`Self::connect`].
    pub async fn connect(
        &self,
        call: &Call,
        text: &str,
        order: &[KeyKind],
        phone: Option<&str>,
        wait: Duration,
    ) -> Result<Connected, Failure> {
        let connect = |principal, instance| async move {
            self.codes.connect(&Call { principal, ..call.clone() }, instance, phone, wait).await
        };
        self.aimed(Aim::of(call, text, order), connect).await
    }

    /// Does something on what is aimed at, and again where a look shows that the aim was out of date.
    async fn aimed<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        mut aim: Aim<'_>,
        act: impl Fn(Principal, InstanceId) -> F,
    ) -> Result<T, Failure> {
        loop {
            let done = match self.target(&mut aim).await {
                Ok(instance) => act(aim.principal, instance).await,
                Err(failure) => Err(failure),
            };
            match done {
                Err(gone) if is_gone(&gone) => self.aim_again(&mut aim, gone).await?,
                other => return other,
            }
        }
    }

    /// The instance to try next.
    async fn target(&self, aim: &mut Aim<'_>) -> Result<InstanceId, Failure> {
        let found = match aim.instance {
            Some(known) => known,
            None => self.named(aim).await?,
        };
        aim.instance = Some(found);
        Ok(found)
    }

    /// The instance that the text names, or that it named when a keyed command was sent first.
    async fn named(&self, aim: &Aim<'_>) -> Result<InstanceId, Failure> {
        if let Some(former) = self.former_of(aim, &[KeyKind::Name]).await? {
            return Ok(former);
        }
        match self.resolver.resolve(&aim.principal, aim.text, aim.order).await {
            Err(Failure::NotFound) => self.former_of(aim, &OTHERS).await?.ok_or(Failure::NotFound),
            other => other,
        }
    }

    /// Looks up again what was only remembered; the refusal if that changes nothing.
    async fn aim_again(&self, aim: &mut Aim<'_>, refusal: Failure) -> Result<(), Failure> {
        if !std::mem::replace(&mut aim.name_is_fresh, true)
            && let (Some(before), Some(account)) = (aim.instance, aim.principal.account())
        {
            self.resolver.forget_key(account, aim.text).await?;
            match self.named(aim).await {
                Ok(now) if now != before => {
                    aim.instance = Some(now);
                    return Ok(());
                }
                Ok(_) | Err(Failure::NotFound) => {}
                Err(failure) => return Err(failure),
            }
        }
        if !std::mem::replace(&mut aim.token_is_fresh, true)
            && let Some(principal) = self.principals.present_holder(&aim.principal).await?
        {
            // Maybe in another account, where the text names another instance.
            aim.principal = principal;
            aim.instance = None;
            aim.name_is_fresh = false;
            return Ok(());
        }
        match (&aim.principal, refusal.rejection()) {
            // The token ended with its instance, also if its entry is not released yet.
            (Principal::Instance { .. }, Some(RejectionCodeV1::Deleted)) => Err(Failure::Unauthorized),
            _ => Err(refusal),
        }
    }

    async fn former_of(&self, aim: &Aim<'_>, kinds: &[KeyKind]) -> Result<Option<InstanceId>, Failure> {
        let (Some(idempotency), Some(account)) = (aim.idempotency, aim.principal.account()) else {
            return Ok(None);
        };
        let command = self.commands.keyed_id(account, &idempotency.key).await?;
        self.resolver.former_holder(account, aim.text, kinds, command).await
    }
}

/// Whether a failure says that there is no such instance or token, or none any more.
const fn is_gone(failure: &Failure) -> bool {
    matches!(failure, Failure::NotFound | Failure::Unauthorized | Failure::Rejected(RejectionCodeV1::Deleted))
}
