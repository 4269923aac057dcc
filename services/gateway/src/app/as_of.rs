//! The instance as it was at a moment.

use berth_log::last_readable;
use berth_proto::{InstanceId, StreamKey, Timestamp, instance::InstanceStateV1};

use super::{App, failure::Failure, record::Record};

impl App {
    /// The instance as it was at a moment: after the last commit that is not later. None before the first. What is
    /// damaged is passed over.
    pub async fn as_of(&self, instance: InstanceId, moment: Timestamp) -> Result<Option<Record>, Failure> {
        let stream = StreamKey::instance(instance);
        let found = last_readable::<InstanceStateV1>(&*self.inner.log, &stream, |commit| {
            commit.occurred_at <= moment
        });
        match found.await? {
            Some(found) => self.record_as_stored(instance, found.tail.version, found.state).await.map(Some),
            None => Ok(None),
        }
    }
}
