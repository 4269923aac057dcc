//! The account of the instances: its endpoints, and commits of its stream.

use std::{net::SocketAddr, sync::atomic::Ordering};

use berth_log::{Expected, NewCommit, hash_of_stored};
use berth_proto::{
    AccountId, CommitV2, DirectoryId, Hash, InstanceId, RecordV1, Sealed, StreamKey, account::AccountStateV3,
    codec, commit::CarriedV1, instance::WebhookV1,
};
use berth_runtime::{SystemEntropy, sealing::field};

use super::{SECRET, World};

/// The account of every instance of a world.
pub(crate) const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

impl World {
    /// An endpoint of the account at the receiver, sealed for it.
    pub(crate) async fn endpoint_of_account(&self, number: u8, format: &str, to: SocketAddr) -> WebhookV1 {
        let owner = ACCOUNT.as_bytes();
        let key = self.keys.create(owner, &SystemEntropy).await.unwrap().unwrap();
        let seal = |field: &str, text: &str| key.seal(owner, field, text.as_bytes());
        WebhookV1 {
            url: seal(field::WEBHOOK_URL, &format!("http://{to}/{number}")),
            headers: Some(seal(field::WEBHOOK_HEADERS, r#"{"x-tenant":"7"}"#)),
            authorization: Some(seal(field::WEBHOOK_AUTHORIZATION, "Bearer ours")),
            secret: seal(field::WEBHOOK_SECRET, SECRET),
            ..self.endpoint(number, format, to)
        }
    }

    /// Appends to the account: from then on these are its endpoints, and commits of its instances name that version. Gives it.
    pub(crate) async fn account_has(&self, webhooks: &[WebhookV1]) -> u64 {
        let version = self.account_becomes(|state| state.webhooks = webhooks.to_vec()).await;
        self.account_version.store(version, Ordering::SeqCst);
        version
    }

    /// Appends to the account, of which nobody who decides knows yet. Gives its version.
    pub(crate) async fn account_becomes(&self, change: impl FnOnce(&mut AccountStateV3)) -> u64 {
        let stream = StreamKey::account(ACCOUNT);
        let tail = self.log.tail(&stream).await.unwrap();
        let (entry, now) = (DirectoryId::from_bytes([8; 16]), self.clock.now());
        let mut state = tail.as_ref().map_or_else(
            || AccountStateV3 {
                created_at: now,
                updated_at: now,
                name: Sealed(vec![1]),
                token: Sealed(vec![2]),
                token_entry: entry,
                name_entry: entry,
                credential_version: 1,
                attributes: None,
                webhooks: Vec::new(),
                closed_at: None,
                unsettled: None,
                upstream: None,
            },
            |stored| berth_log::decode_state(stored).unwrap().1,
        );
        change(&mut state);
        let expected = tail.as_ref().map_or(Expected::Empty, |stored| Expected::After(stored.tail));
        let version = expected.next_version();
        let commit = CommitV2 {
            stream,
            version,
            previous: tail
                .as_ref()
                .map_or_else(|| Hash::genesis(&stream), |stored| hash_of_stored(stored).unwrap()),
            occurred_at: now,
            receipts: Vec::new(),
            events: Vec::new(),
            state: CarriedV1::Full(RecordV1::of(&state).unwrap()),
            account_version: 0,
            traceparent: None,
            damage: None,
        };
        let payload = codec::encode(&commit).unwrap().into();
        let new = NewCommit { stream, version, command_id: None, traceparent: None, payload };
        self.log.append(new, expected).await.unwrap();
        version
    }

    /// Appends to the account what nobody can read.
    pub(crate) async fn damage_account(&self) {
        let stream = StreamKey::account(ACCOUNT);
        let expected = Expected::After(self.log.tail(&stream).await.unwrap().unwrap().tail);
        let version = expected.next_version();
        let payload = vec![0; 100].into();
        let new = NewCommit { stream, version, command_id: None, traceparent: None, payload };
        self.log.append(new, expected).await.unwrap();
    }

    /// The same where the account stands in the place of the instance.
    pub(crate) fn of_the_account(self) -> Self {
        Self { instance: InstanceId::from_bytes(*ACCOUNT.as_bytes()), ..self }
    }

    /// What commits of the instances name from now on as the version of their account.
    pub(crate) fn decides_with(&self, account_version: u64) {
        self.account_version.store(account_version, Ordering::SeqCst);
    }
}
