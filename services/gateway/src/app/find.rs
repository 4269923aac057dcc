//! An instance by what stands in a path, read or commanded, although a remembered name may be out of date.

use std::time::Duration;

use berth_proto::{InstanceId, command::Command, frame::RejectionCodeV1};

use super::{
    App, call::Call, codes::Connected, commands::Answer, failure::Failure, principal::Principal,
    record::Record, resolve::KeyKind,
};

impl App {
    /// The instance that `text` names for this caller, as it is now.
    pub async fn find(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
    ) -> Result<Record, Failure> {
        let instance = self.resolve(principal, text, order).await?;
        match self.read(principal, instance).await {
            Err(Failure::NotFound) => match self.resolve_again(principal, text, order, instance).await? {
                Some(other) => self.read(principal, other).await,
                None => Err(Failure::NotFound),
            },
            other => other,
        }
    }

    /// Has a command decided on the instance that `text` names for this caller.
    ///
    /// A keyed command finds the instance that it was first sent to, also after its name was used again.
    pub async fn command_on(
        &self,
        call: &Call,
        text: &str,
        order: &[KeyKind],
        command: impl Into<Command>,
    ) -> Result<Answer, Failure> {
        let command = command.into();
        if let Some(former) = self.former_of(call, text).await? {
            return self.command(call, former, command).await;
        }
        let instance = self.resolve(&call.principal, text, order).await?;
        match self.command(call, instance, command.clone()).await {
            Err(gone @ (Failure::NotFound | Failure::Rejected { code: RejectionCodeV1::Deleted, .. })) => {
                match self.resolve_again(&call.principal, text, order, instance).await? {
                    Some(other) => self.command(call, other, command).await,
                    None => Err(gone),
                }
            }
            other => other,
        }
    }

    /// Connects the instance that `text` names; see [`Self::connect`].
    pub async fn connect_on(
        &self,
        call: &Call,
        text: &str,
        order: &[KeyKind],
        phone: Option<&str>,
        wait: Duration,
    ) -> Result<Connected, Failure> {
        if let Some(former) = self.former_of(call, text).await? {
            return self.connect(call, former, phone, wait).await;
        }
        let instance = self.resolve(&call.principal, text, order).await?;
        match self.connect(call, instance, phone, wait).await {
            Err(gone @ (Failure::NotFound | Failure::Rejected { code: RejectionCodeV1::Deleted, .. })) => {
                match self.resolve_again(&call.principal, text, order, instance).await? {
                    Some(other) => self.connect(call, other, phone, wait).await,
                    None => Err(gone),
                }
            }
            other => other,
        }
    }

    async fn former_of(&self, call: &Call, text: &str) -> Result<Option<InstanceId>, Failure> {
        let (Some(idempotency), Some(account)) = (&call.idempotency, call.principal.account()) else {
            return Ok(None);
        };
        let command = self.keyed_command_id(account, &idempotency.key).await?;
        self.former_holder(account, text, command).await
    }

    /// Another instance that the text names by now.
    async fn resolve_again(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
        before: InstanceId,
    ) -> Result<Option<InstanceId>, Failure> {
        let account = principal.account().ok_or(Failure::Forbidden)?;
        self.forget_key(account, text).await?;
        match self.resolve(principal, text, order).await {
            Ok(now) if now != before => Ok(Some(now)),
            Ok(_) | Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
