//! The last words of a deleted instance.
//!
//! A deletion destroys the data key at once, and with it the URLs, secrets and names that its own last notices
//! need. So whoever deletes asks here first: what these notices need, and nothing else, is sealed anew under a
//! key of its own and kept in a commit of the delivery stream. That key is destroyed before the last of them is
//! settled, a day after the deletion at the latest.

use std::time::Duration;

use berth_bus::{KeyRingError, Request, Requests};
use berth_domain::instance::NoticeClass;
use berth_log::{LogRead, ReadError, Rehydrated, StateError, decode_commit, decode_state, rehydrate};
use berth_notices::{
    derive::{Step, own_listeners},
    formats::{self, Format},
};
use berth_proto::{
    AccountId, CommitV2, DecodeError, EncodeError, Hash, InstanceId, Partition, RecordV1, Sealed, StreamKey,
    account::AccountStateV3,
    delivery::{DeliveryEvent, LastWordsKeptV1, NoticeKeyV1},
    event::Event,
    instance::{DeviceV1, InstanceStateV1, PhaseV1, SettingsBlockV1, WebhookV1},
};
use berth_runtime::{DataKey, OpenError, resealing::Resealer, sealing::field};
use bytes::Bytes;
use futures::StreamExt;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::dispatch::{Fault, SettleError, Tools, note_as_guest};

/// How long after the deletion its notices are tried at most: then what they need is erased too.
pub(crate) const LAST_WORDS_MAX: Duration = Duration::from_hours(24);

/// How long to wait before a key is destroyed again when that failed.
const ERASE_PAUSE: Duration = Duration::from_secs(1);

/// Commits that are read at once in search of the deletion.
const PAGE_COMMITS: u64 = 16;

/// Deleted instances whose last notices are kept at the same time.
const KEPT_AT_ONCE_MAX: usize = 64;

/// What the last notices need could not be kept.
#[derive(Debug, Error)]
enum KeepError {
    #[error("the instance cannot be read")]
    Read(#[from] ReadError),
    #[error("the state of the deletion cannot be had")]
    State(#[from] StateError),
    #[error("the endpoints of the account cannot be had")]
    Account(#[from] Fault),
    #[error("the deletion cannot be read")]
    Decode(#[from] DecodeError),
    #[error("a data key cannot be had")]
    Key(#[from] KeyRingError),
    #[error("a value cannot be opened")]
    Open(#[from] OpenError),
    #[error("what is kept cannot be written")]
    Encode(#[from] EncodeError),
    #[error("what is kept cannot be stored")]
    Store(#[from] SettleError),
}

/// The owner, in the store of the deliveries, of the key that an instance's last words are sealed under.
pub fn key_owner(instance: InstanceId) -> [u8; 16] {
    let Hash(hash) = Hash::over(b"berth.v1.last_words", &[instance.as_bytes()]);
    let mut owner = [0; 16];
    owner.copy_from_slice(hash.split_at(16).0);
    owner
}

/// Answers those who are about to destroy the data key of a deleted instance, many at once: an account that is closed
/// deletes thousands, and each waits for a key that is made and a commit.
pub(crate) async fn serve(tools: Tools, requests: Requests, stop: CancellationToken) {
    let serving = requests.for_each_concurrent(KEPT_AT_ONCE_MAX, |request| {
        let tools = tools.clone();
        async move { answer(&tools, request).await }
    });
    stop.run_until_cancelled(serving).await;
}

async fn answer(tools: &Tools, request: Request) {
    let id = request.subject.rsplit('.').next().and_then(|id| id.parse::<InstanceId>().ok());
    let Some(instance) = id else { return };
    match keep(tools, instance).await {
        Ok(()) => request.reply.send(Bytes::new()),
        // No reply: the asker waits its time and goes on, since a deletion depends on nobody.
        Err(error) => tracing::warn!(
            %instance,
            error = &error as &dyn std::error::Error,
            "the last notices of a deleted instance are lost"
        ),
    }
}

/// Destroys the key that the last words of a deleted instance were sealed under, until that works.
pub(crate) async fn erase(tools: &Tools, instance: InstanceId) {
    tools.keys.forget(instance.as_bytes());
    while let Err(error) = tools.delivery_keys.destroy(&key_owner(instance)).await {
        tracing::warn!(%instance, %error, "what a deleted instance's last notices needed is erased later");
        tokio::time::sleep(ERASE_PAUSE).await;
    }
}

async fn keep(tools: &Tools, instance: InstanceId) -> Result<(), KeepError> {
    let Some(Rehydrated { commit, state, .. }) = deletion(&*tools.log, instance).await? else {
        return Ok(());
    };
    let Some(step) = Step::with(&commit, state)? else {
        return Ok(());
    };
    let listeners = listeners_of(tools, step.state.account, commit.account_version).await?;
    let heard = step.heard();
    let own = own_listeners(&step.state.webhooks, commit.account_version);
    let notices: Vec<NoticeKeyV1> = own
        .chain(&listeners)
        .flat_map(|webhook| heard.notices_for(webhook))
        .filter(|notice| notice.class == NoticeClass::Deletion)
        .map(|notice| notice.key)
        .collect();
    if notices.is_empty() {
        return Ok(());
    }
    let (Some(old), Some(new)) = keys(tools, instance).await? else {
        return Ok(());
    };
    let owner = *instance.as_bytes();
    let resealer = Resealer { from: (owner, old), to: (owner, new.clone()) };
    let mut state = last_words(&resealer, &step.state, &listeners, &notices)?;
    // A copy would stand in the place of the account's.
    state.webhooks.retain(|webhook| listeners.iter().all(|one| one.id != webhook.id));
    state.webhooks.extend(resealed(tools, step.state.account, &listeners, &notices, (owner, new)).await?);
    let kept = LastWordsKeptV1 { instance, notices, state: RecordV1::of(&state)? };
    let partition = Partition::of(instance.as_bytes());
    note_as_guest(tools, partition, DeliveryEvent::from(kept)).await?;
    Ok(())
}

/// The commit that deleted an instance and the state after it; none if it is not deleted. It need not be the last one: that a device is unlinked is
/// noted behind it, and whoever deleted it may be late.
async fn deletion(
    log: &dyn LogRead,
    instance: InstanceId,
) -> Result<Option<Rehydrated<InstanceStateV1>>, KeepError> {
    let stream = StreamKey::instance(instance);
    let Some(tail) = log.tail(&stream).await? else { return Ok(None) };
    let last: Rehydrated<InstanceStateV1> = rehydrate(log, &tail).await?;
    if !matches!(last.state.phase, PhaseV1::Deleted { .. }) {
        return Ok(None);
    }
    if deletes(&last.commit) {
        return Ok(Some(last));
    }
    let mut end = tail.tail.version - 1;
    while end > 0 {
        let after = end.saturating_sub(PAGE_COMMITS);
        let page = log.read(&stream, after, usize::try_from(end - after).unwrap_or_default()).await?;
        for stored in page.iter().rev() {
            if decode_commit(stored).is_ok_and(|commit| deletes(&commit)) {
                return Ok(Some(rehydrate(log, stored).await?));
            }
        }
        end = after;
    }
    Ok(None)
}

fn deletes(commit: &CommitV2) -> bool {
    commit.events.iter().any(|record| matches!(Event::from_record(record), Ok(Event::InstanceDeleted(_))))
}

/// The endpoints that an account had in a version; none if that is damaged: it stays so, and the instance's own endpoints are
/// told all the same.
async fn listeners_of(tools: &Tools, account: AccountId, version: u64) -> Result<Vec<WebhookV1>, KeepError> {
    match read_listeners(tools, account, version).await.map_err(Fault::from) {
        Ok(listeners) => Ok(listeners),
        Err(fault) if fault.lasts() => {
            tracing::warn!(
                %account, version, error = &fault as &dyn std::error::Error,
                "endpoints of an account hear no last words of its instances"
            );
            Ok(Vec::new())
        }
        Err(fault) => Err(fault.into()),
    }
}

async fn read_listeners(
    tools: &Tools,
    account: AccountId,
    version: u64,
) -> Result<Vec<WebhookV1>, StateError> {
    let Some(before) = version.checked_sub(1) else { return Ok(Vec::new()) };
    let page = tools.log.read(&StreamKey::account(account), before, 1).await?;
    let Some(stored) = page.first() else { return Ok(Vec::new()) };
    let (_, state) = decode_state::<AccountStateV3>(stored)?;
    Ok(state.webhooks)
}

/// The endpoints of an account that are told, sealed for the deleted instance: its account may be gone before they are.
async fn resealed(
    tools: &Tools,
    account: AccountId,
    listeners: &[WebhookV1],
    notices: &[NoticeKeyV1],
    to: ([u8; 16], DataKey),
) -> Result<Vec<WebhookV1>, KeepError> {
    let told = told(listeners, notices);
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let Some(key) = tools.keys.key(account.as_bytes()).await? else { return Ok(Vec::new()) };
    let resealer = Resealer { from: (*account.as_bytes(), key), to };
    Ok(told.iter().map(|webhook| resealer.webhook(webhook)).collect::<Result<_, _>>()?)
}

async fn keys(
    tools: &Tools,
    instance: InstanceId,
) -> Result<(Option<DataKey>, Option<DataKey>), KeyRingError> {
    let Some(old) = tools.keys.key(instance.as_bytes()).await? else {
        return Ok((None, None));
    };
    Ok((Some(old), tools.delivery_keys.create(&key_owner(instance), tools.entropy.as_ref()).await?))
}

/// Those of some endpoints that are told, without their former secrets.
fn told(webhooks: &[WebhookV1], notices: &[NoticeKeyV1]) -> Vec<WebhookV1> {
    let is_told = |one: &&WebhookV1| notices.iter().any(|notice| notice.endpoint == one.id);
    let told = webhooks.iter().filter(is_told);
    told.map(|webhook| WebhookV1 { old_secrets: Vec::new(), ..webhook.clone() }).collect()
}

/// Whether the bodies of an endpoint show something of that settings block.
fn reads(webhook: &WebhookV1, owner: &str) -> bool {
    formats::by_name(&webhook.format).and_then(Format::settings) == Some(owner)
}

/// The state with nothing in it but what the notices need: its own endpoints that are told, and the settings that these and the
/// account's show something of. Taken apart field by field: one with a new field does not compile until it is said here what
/// becomes of that.
fn last_words(
    resealer: &Resealer,
    state: &InstanceStateV1,
    listeners: &[WebhookV1],
    notices: &[NoticeKeyV1],
) -> Result<InstanceStateV1, OpenError> {
    let InstanceStateV1 {
        account,
        created_at,
        updated_at,
        number,
        name,
        token: _,
        entries,
        credential_version,
        jwt_version,
        phase,
        session,
        attempt,
        permission,
        last_device,
        last_end,
        unlinks: _,
        webhooks,
        settings,
        keyed: _,
        unkeyed: _,
    } = state;
    let (own, of_account) = (told(webhooks, notices), told(listeners, notices));
    let is_shown =
        |block: &&SettingsBlockV1| own.iter().chain(&of_account).any(|webhook| reads(webhook, &block.owner));
    let shown = settings.iter().filter(is_shown);
    let device = last_device.clone().map(|device| DeviceV1 { lid: None, ..device });
    Ok(InstanceStateV1 {
        account: *account,
        created_at: *created_at,
        updated_at: *updated_at,
        number: *number,
        name: resealer.value(field::NAME, name)?,
        token: Sealed(Vec::new()),
        entries: entries.clone(),
        credential_version: *credential_version,
        jwt_version: *jwt_version,
        // A deleted instance's: nothing of a device or an attempt is in it.
        phase: phase.clone(),
        session: *session,
        attempt: *attempt,
        permission: *permission,
        last_device: device.map(|device| resealer.device(&device)).transpose()?,
        last_end: last_end.clone(),
        unlinks: Vec::new(),
        webhooks: own.iter().map(|webhook| resealer.webhook(webhook)).collect::<Result<_, _>>()?,
        settings: shown.map(|block| resealer.block(block)).collect::<Result<_, _>>()?,
        keyed: Vec::new(),
        unkeyed: Vec::new(),
    })
}
