//! An instance as it is, opened for rendering.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{
    directory::Directory,
    failure::Failure,
    principal::{Held, Principal, Principals},
    states::States,
};
use berth_bus::{Bus, KeyRing};
use berth_domain::instance::effective;
use berth_log::{LogRead, last_readable};
use berth_proto::{
    InstanceId, RecordV1, Sealed, StreamKey, Timestamp,
    frame::RejectionCodeV1,
    instance::{InstanceStateV1, PhaseV1, UnlinkStatusV1},
};
use berth_runtime::{Clock, DataKey, Entropy, sealing::field};
use tokio_util::sync::CancellationToken;

/// An instance as it is: its state and, unless it is erased, its name in clear and what else is opened where it is shown.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id.
    pub id: InstanceId,
    /// The version of its stream that this is.
    pub version: u64,
    /// Its state as a reader sees it now: a deadline that passed counts as reached. The commands that it remembers need not be in it.
    pub state: InstanceStateV1,
    /// Its name; empty when erased.
    pub name: String,
    /// Whether the data key is gone, so that nothing personal can be opened any more.
    pub erased: bool,
    pub(super) key: Option<DataKey>,
}

/// How far the erasure of a deleted instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Under way.
    Pending,
    /// Nothing personal can be opened any more.
    Done,
}

/// A linked device in clear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its JID.
    pub jid: String,
    /// Its LID.
    pub lid: Option<String>,
    /// The digits of its phone number.
    pub phone: String,
    /// The person's name.
    pub push_name: Option<String>,
    /// The name of a business.
    pub business_name: Option<String>,
    /// The address of its picture.
    pub picture_url: Option<String>,
    /// The platform of the phone.
    pub platform: String,
}

impl Record {
    /// Opens a sealed text of this instance; none when it is erased or not of this field.
    pub fn open(&self, field: &str, sealed: &Sealed) -> Option<String> {
        self.key.as_ref()?.open_text(self.id.as_bytes(), field, sealed).ok()
    }

    /// Its token; empty when erased. Shown only where a door's contract has it.
    pub fn token(&self) -> String {
        self.open(field::TOKEN, &self.state.token).unwrap_or_default()
    }

    /// The last device that was linked; it stays after a logout. None when it is erased, too.
    pub fn device(&self) -> Option<Device> {
        let device = self.state.last_device.as_ref()?;
        let optional =
            |field: &str, sealed: &Option<Sealed>| sealed.as_ref().and_then(|it| self.open(field, it));
        Some(Device {
            jid: self.open(field::JID, &device.jid)?,
            lid: optional(field::LID, &device.lid),
            phone: self.open(field::PHONE, &device.phone)?,
            push_name: optional(field::PUSH_NAME, &device.push_name),
            business_name: optional(field::BUSINESS_NAME, &device.business_name),
            picture_url: optional(field::PICTURE_URL, &device.picture_url),
            platform: device.platform.clone(),
        })
    }

    /// What it says of who may act on it.
    const fn held(&self) -> Held {
        Held {
            instance: self.id,
            account: self.state.account,
            credential_version: self.state.credential_version,
            deleted: self.is_deleted(),
        }
    }

    /// Whether the instance is deleted.
    pub const fn is_deleted(&self) -> bool {
        matches!(self.state.phase, PhaseV1::Deleted { .. })
    }

    /// Whether a device that it had is still to be unlinked.
    pub fn is_unlinking(&self) -> bool {
        self.state.unlinks.iter().any(|unlink| unlink.status == UnlinkStatusV1::Pending)
    }

    /// How far the erasure of a deleted instance is; none while it is not deleted. It is done when the data key
    /// is destroyed and no device waits to be unlinked with keys that are still kept.
    pub fn erasure(&self) -> Option<Erasure> {
        match (self.is_deleted(), self.erased && !self.is_unlinking()) {
            (false, _) => None,
            (true, true) => Some(Erasure::Done),
            (true, false) => Some(Erasure::Pending),
        }
    }
}

/// Reads instances where every acknowledged change is visible.
#[derive(Debug)]
pub struct Records {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) stop: CancellationToken,
    pub(super) directory: Arc<Directory>,
    pub(super) principals: Arc<Principals>,
    pub(super) states: Arc<States>,
}

impl Records {
    /// The instance as it is now, read where every acknowledged change is visible, if the caller may see it.
    ///
    /// [`Failure::NotFound`] for an unknown, a deleted and another account's instance and, for an instance's
    /// token, for any other instance. [`Failure::Unauthorized`] for the token of the deleted instance itself,
    /// which is merely remembered here: it ended with the instance.
    pub async fn read(&self, principal: &Principal, instance: InstanceId) -> Result<Record, Failure> {
        let record = self.read_with_deleted(principal, instance).await?;
        if record.is_deleted() { Err(Failure::NotFound) } else { Ok(record) }
    }

    /// The instance whose token the caller shows.
    pub async fn read_own(&self, principal: &Principal) -> Result<Record, Failure> {
        let Principal::Instance { instance, .. } = *principal else { return Err(Failure::NotFound) };
        match self.read(principal, instance).await {
            Err(refused @ (Failure::NotFound | Failure::Unauthorized)) => {
                match self.principals.present_holder(principal).await? {
                    Some(now @ Principal::Instance { instance, .. }) => self.read(&now, instance).await,
                    _ => Err(refused),
                }
            }
            other => other,
        }
    }

    /// Like [`Self::read`], and shows a deleted instance as what is left of it.
    pub async fn read_with_deleted(
        &self,
        principal: &Principal,
        instance: InstanceId,
    ) -> Result<Record, Failure> {
        let record = self.read_any(instance).await?.ok_or(Failure::NotFound)?;
        if let Principal::Instance { account, entry, .. } = *principal
            && account != record.state.account
        {
            // It was moved: the token works on, and the next call asks again whose it is.
            self.directory.forget(entry);
        }
        if let Err(refused) = principal.admit(&record.held()) {
            let now = self.principals.present_holder(principal).await?.ok_or(refused)?;
            now.admit(&record.held())?;
        }
        Ok(record)
    }

    /// The instance, deleted or not, if what was shown when the request began still opens it: for whoever waited
    /// before it answers. The looks begin after this call; it fails as [`super::Permission::ask`] does.
    pub async fn read_again(&self, principal: &Principal, instance: InstanceId) -> Result<Record, Failure> {
        self.principals.stands(principal, Duration::ZERO).await?;
        self.read_with_deleted(principal, instance).await
    }

    /// The instance with this id, deleted or not, without asking who wants to know.
    pub async fn read_any(&self, instance: InstanceId) -> Result<Option<Record>, Failure> {
        let Some((version, state)) = self.states.read(instance).await? else { return Ok(None) };
        self.record_of(instance, version, state).await.map(Some)
    }

    /// The instance as its last readable commit left it: for looking at a history whose end is damaged.
    pub async fn read_readable(
        &self,
        principal: &Principal,
        instance: InstanceId,
    ) -> Result<Record, Failure> {
        let Some(record) = self.as_of(instance, Timestamp(i64::MAX)).await? else {
            // Where nothing can be read although something stands there, the damage is the answer, not an absence.
            return match self.log.tail(&StreamKey::instance(instance)).await? {
                Some(_) => Err(Failure::Rejected(RejectionCodeV1::Damaged)),
                None => Err(Failure::NotFound),
            };
        };
        principal.admit(&record.held())?;
        Ok(record)
    }

    /// The instance as it was at a moment: after the last commit that is not later. None before the first. What is
    /// damaged is passed over.
    pub async fn as_of(&self, instance: InstanceId, moment: Timestamp) -> Result<Option<Record>, Failure> {
        let stream = StreamKey::instance(instance);
        let found =
            last_readable::<InstanceStateV1>(&*self.log, &stream, |commit| commit.occurred_at <= moment);
        match found.await? {
            Some(found) => self.record_as_stored(instance, found.tail.version, found.state).await.map(Some),
            None => Ok(None),
        }
    }

    /// The instance as it was after a version of its history. None before the first. What is damaged is passed over.
    pub async fn as_of_version(&self, instance: InstanceId, version: u64) -> Result<Option<Record>, Failure> {
        let stream = StreamKey::instance(instance);
        let found = last_readable::<InstanceStateV1>(&*self.log, &stream, |commit| commit.version <= version);
        match found.await? {
            Some(found) => self.record_as_stored(instance, found.tail.version, found.state).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens a carried state for rendering.
    pub(super) async fn open_record(
        &self,
        id: InstanceId,
        version: u64,
        state: &RecordV1,
    ) -> Result<Record, Failure> {
        let state = state
            .open::<InstanceStateV1>()
            .map_err(|error| Failure::unavailable("the instance's state", error))?;
        self.record_of(id, version, state).await
    }

    /// The record of a state.
    pub(super) async fn record_of(
        &self,
        id: InstanceId,
        version: u64,
        state: InstanceStateV1,
    ) -> Result<Record, Failure> {
        if matches!(state.phase, PhaseV1::Deleted { .. }) {
            self.keys.forget(id.as_bytes());
        }
        let key = self.keys.key(id.as_bytes()).await?;
        // Nearly always it is the same, which is not copied for that.
        let other = match effective(&state, self.clock.now()) {
            Cow::Owned(other) => Some(other),
            Cow::Borrowed(_) => None,
        };
        Ok(opened(id, version, other.unwrap_or(state), key))
    }

    /// The record of a state as it was stored, for history.
    pub(super) async fn record_as_stored(
        &self,
        id: InstanceId,
        version: u64,
        state: InstanceStateV1,
    ) -> Result<Record, Failure> {
        let key = self.keys.key(id.as_bytes()).await?;
        Ok(opened(id, version, state, key))
    }
}

fn opened(id: InstanceId, version: u64, state: InstanceStateV1, key: Option<DataKey>) -> Record {
    let mut record = Record { id, version, state, name: String::new(), erased: key.is_none(), key };
    record.name = record.open(field::NAME, &record.state.name).unwrap_or_default();
    record
}
