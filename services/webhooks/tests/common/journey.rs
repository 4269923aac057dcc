//! What happens to the instance: commands, decided as the aggregate does.

use std::{sync::atomic::Ordering, time::Duration};

use berth_domain::instance::{Context, Decision, decide, evolve};
use berth_log::{Expected, NewCommit, hash_of_stored};
use berth_proto::{
    AccountId, CommandId, CommitV1, CommitV2, DirectoryId, Hash, RecordV1, StreamKey, codec,
    command::{
        Command, ConnectV1, CreateInstanceV1, DeleteV1, LogoutV1, ReportLinkedV1, ReportLostV1, ReportOpenV1,
        ReportQrV1, ReportUnlinkedV1, ReportV1,
    },
    commit::{OriginV1, PrincipalV1, ReceiptV1},
    event::Event,
    frame::RejectionCodeV1,
    instance::{DeviceV1, EntriesV1, InstanceStateV1, MethodV1, WebhookV1},
    subject::code_key,
};
use berth_runtime::sealing::field;

use super::{PHONE, World};

impl World {
    pub(crate) async fn create(&self, webhooks: Vec<WebhookV1>) {
        let entry = |number| DirectoryId::from_bytes([number; 16]);
        self.command(CreateInstanceV1 {
            account: AccountId::from_bytes([1; 16]),
            number: 1_101_000_001,
            name: self.seal(field::NAME, "shop"),
            token: self.seal(field::TOKEN, "tok"),
            entries: EntriesV1 {
                name: entry(1),
                token: entry(2),
                number: entry(3),
                alias: None,
                creation: None,
            },
            settings: Vec::new(),
            webhooks,
        })
        .await;
    }

    pub(crate) async fn connect(&self) -> InstanceStateV1 {
        self.command(ConnectV1 { method: MethodV1::Qr }).await
    }

    /// Shows a QR code that lives for `seconds`.
    pub(crate) async fn qr(&self, index: u32, seconds: i64) {
        let attempt = self.state().await.attempt;
        let text = self.seal(field::CODE, &format!("2@code-{attempt}-{index}"));
        let key = code_key(self.instance, attempt, "qr", index);
        self.volatile.put(&key, text.0.into(), Duration::from_mins(1)).await.unwrap();
        let expires_at = self.clock.now().plus_seconds(seconds);
        let report = self.report(attempt);
        self.command(ReportQrV1 { report, index, digest: Hash([0; 32]), expires_at }).await;
    }

    pub(crate) async fn linked(&self) {
        let report = self.report(self.state().await.attempt);
        let device = DeviceV1 {
            jid: self.seal(field::JID, &format!("{PHONE}:12@s.whatsapp.net")),
            lid: None,
            phone: self.seal(field::PHONE, PHONE),
            push_name: Some(self.seal(field::PUSH_NAME, "Ana")),
            business_name: None,
            picture_url: None,
            platform: "android".to_owned(),
        };
        self.command(ReportLinkedV1 { report, device }).await;
    }

    pub(crate) async fn open(&self) {
        let report = self.report(self.state().await.attempt);
        self.command(ReportOpenV1 { report }).await;
    }

    pub(crate) async fn lost(&self) {
        let report = self.report(self.state().await.attempt);
        self.command(ReportLostV1 { report, code: 428, source_code: String::new() }).await;
    }

    pub(crate) async fn logout(&self) {
        self.command(LogoutV1 {}).await;
    }

    pub(crate) async fn delete(&self) {
        self.command(DeleteV1 { only_without_session: false }).await;
    }

    /// The device of the last attempt is unlinked.
    pub(crate) async fn unlinked(&self) {
        let report = self.report(self.state().await.attempt);
        self.command(ReportUnlinkedV1 { report, abandoned: None }).await;
    }

    /// From nothing to an open connection.
    pub(crate) async fn link(&self) {
        self.connect().await;
        self.linked().await;
        self.open().await;
    }

    fn report(&self, attempt: u32) -> ReportV1 {
        let number = self.reports.fetch_add(1, Ordering::SeqCst) + 1;
        ReportV1 { attempt, epoch: 1, number }
    }

    pub(crate) async fn state(&self) -> InstanceStateV1 {
        let stored = self.log.tail(&StreamKey::instance(self.instance)).await.unwrap().unwrap();
        berth_log::decode_state(&stored).unwrap().1
    }

    /// Decides a command and appends what it comes to.
    pub(crate) async fn command(&self, command: impl Into<Command>) -> InstanceStateV1 {
        self.decided(command).await.unwrap()
    }

    /// Decides a command and appends what it comes to, unless it is refused.
    pub(crate) async fn decided(
        &self,
        command: impl Into<Command>,
    ) -> Result<InstanceStateV1, RejectionCodeV1> {
        let stream = StreamKey::instance(self.instance);
        let tail = self.log.tail(&stream).await.unwrap();
        let before = tail.as_ref().map(|stored| codec::decode::<CommitV2>(&stored.payload).unwrap());
        let mut state: Option<InstanceStateV1> =
            before.as_ref().map(|commit| commit.full_state().unwrap().open().unwrap());
        let now = self.clock.now();
        let at = before.map_or(now, |commit| now.max(commit.occurred_at));
        let decision = decide(state.as_ref(), &command.into(), &Context { now })?;
        for event in &decision.events {
            state = evolve(state, event, at);
        }
        let state = state.unwrap();
        let expected = tail.as_ref().map_or(Expected::Empty, |stored| Expected::After(stored.tail));
        let commit = CommitV1 {
            stream,
            version: expected.next_version(),
            previous: tail
                .as_ref()
                .map_or_else(|| Hash::genesis(&stream), |stored| hash_of_stored(stored).unwrap()),
            occurred_at: at,
            receipts: vec![receipt(expected.next_version(), &decision)],
            events: decision.events.iter().map(|event: &Event| event.to_record().unwrap()).collect(),
            state: RecordV1::of(&state).unwrap(),
        };
        let version = commit.version;
        let account_version = self.account_version.load(Ordering::SeqCst);
        let payload = match account_version {
            0 => codec::encode(&commit),
            _ => codec::encode(&CommitV2 { account_version, ..commit.into() }),
        };
        let payload = payload.unwrap().into();
        let new = NewCommit { stream, version, command_id: None, traceparent: None, payload };
        self.log.append(new, expected).await.unwrap();
        Ok(state)
    }
}

/// The command that was decided in the commit with a version.
pub(crate) fn command_at(version: u64) -> CommandId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&version.to_be_bytes());
    CommandId::from_bytes(id)
}

fn receipt(version: u64, decision: &Decision) -> ReceiptV1 {
    ReceiptV1 {
        command_id: command_at(version),
        keyed: false,
        digest: Hash([0; 32]),
        principal: PrincipalV1::Service,
        origin: OriginV1 { via: "test".to_owned() },
        causation: None,
        outcome: decision.outcome.clone(),
        first_event: 0,
        event_count: u16::try_from(decision.events.len()).unwrap(),
    }
}
