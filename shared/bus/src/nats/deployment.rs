//! The record of the deployment, one subject of the stream of keys: it is lost with the keys and not with the
//! log, and needs no permission of its own.

use async_trait::async_trait;
use bytes::Bytes;

use super::stream::{StreamError, Table};
use crate::port::{DeploymentStore, KeyStoreError, StoredDeployment};

/// Where it stands. An owner of keys has 26 characters, so that none has this one.
const SUBJECT: &str = "berth.v1.keys.deployment";

/// The record of the deployment on NATS.
#[derive(Debug, Clone)]
pub struct NatsDeployment(Table);

impl NatsDeployment {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }
}

#[async_trait]
impl DeploymentStore for NatsDeployment {
    async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError> {
        let last = self.0.last(SUBJECT).await?;
        Ok(last.map(|message| StoredDeployment { revision: message.sequence, value: message.payload }))
    }

    /// Earlier values are erased, since the stream keeps any number of messages.
    async fn write(&self, value: Bytes, expected: u64) -> Result<bool, KeyStoreError> {
        match self.0.write(SUBJECT, value, Some(expected), None).await {
            Ok(stored) => {
                if expected > 0 {
                    self.0.erase_before(SUBJECT, stored).await?;
                }
                Ok(true)
            }
            Err(StreamError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
