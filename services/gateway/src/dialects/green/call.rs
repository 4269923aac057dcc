//! Who asks for a method of an instance.

use berth_proto::{InstanceId, command::Command};

use super::{error::GreenError, path::InstancePath};
use crate::app::{Answer, App, Call, Client, Failure, Principal, Rate, Record};

/// A method of an instance, by somebody who may.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) instance: InstanceId,
    pub(super) path: InstancePath,
}

impl OnInstance {
    /// The number is checked first, then the token; an account's token works for its own instances.
    pub(super) async fn of(app: &App, path: InstancePath, client: Client) -> Result<Self, GreenError> {
        let number = app.resolver.resolve_number(&path.number, client.address).await;
        let (_, instance) = number.map_err(|failure| match failure {
            Failure::NotFound => GreenError::Forbidden,
            other => other.into(),
        })?;
        let mut principal = app.principals.authenticate(&path.token, client.address).await?;
        if matches!(principal, Principal::Instance { instance: own, .. } if own != instance)
            && let Some(now) = app.principals.present_holder(&principal).await?
        {
            principal = now;
        }
        match principal {
            // The instance itself says whose it is: what is remembered of its number may be of before a move.
            Principal::Account { account: own, .. } => match app.records.read_any(instance).await? {
                Some(record) if record.is_deleted() => return Err(GreenError::Unauthorized),
                Some(record) if record.state.account == own => {}
                Some(_) => return Err(GreenError::Forbidden),
                // The number of a deleted instance answers alike, remembered or not: see `resolve_number`.
                None => return Err(GreenError::Unauthorized),
            },
            Principal::Instance { instance: own, .. } if own == instance => {}
            Principal::Instance { .. } | Principal::Root | Principal::Operator { .. } => {
                return Err(GreenError::Unauthorized);
            }
        }
        Ok(Self { app: app.clone(), call: Call::new(principal, "green", client), instance, path })
    }

    /// Counts the request against the method's rate, in requests per second.
    pub(super) async fn limit(&self, requests: u32) -> Result<(), GreenError> {
        let bucket = format!("green-{}", self.path.method);
        let rate = Rate { requests, window_seconds: 1 };
        let allowance = self.app.counters.count(&bucket, &self.instance.to_string(), rate).await?;
        if allowance.allowed { Ok(()) } else { Err(GreenError::Limited) }
    }

    /// The instance as it is now.
    pub(super) async fn read(&self) -> Result<Record, GreenError> {
        Ok(self.app.records.read(&self.call.principal, self.instance).await?)
    }

    /// The instance after a command.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, GreenError> {
        Ok(self.app.commands.decide(&self.call, self.instance, command).await?)
    }
}
