//! A small language for stories: an instance, the commands it gets, and the commits that come of them.

use berth_domain::instance::{
    Context, Decision, State, connection_word, decide, evolve, remember, state_word,
};
use berth_proto::{
    AccountId, CommandId, CommitV2, DirectoryId, EndpointId, Hash, InstanceId, RecordV1, Sealed, StreamKey,
    Timestamp,
    command::{
        Command, ConfigureWebhookV1, ConnectV1, CreateInstanceV1, DeleteV1, DisconnectV1, LogoutV1,
        ReconnectV1, ReportAttemptEndedV1, ReportLinkedV1, ReportLoggedOutV1, ReportLostV1, ReportOpenV1,
        ReportPausedV1, ReportQrV1, ReportUnlinkedV1, ReportV1, RestartV1,
    },
    commit::{CarriedV1, OriginV1, OutcomeCodeV1, PrincipalV1, ReceiptV2},
    event::{EndReasonV1, Event, LogoutOriginV1},
    frame::RejectionCodeV1,
    instance::{DeviceV1, EntriesV1, MethodV1, PauseReasonV1, SettingsBlockV1, WebhookV1},
};

pub(crate) const ACCOUNT: AccountId = AccountId::from_bytes([0xA; 16]);
const INSTANCE: InstanceId = InstanceId::from_bytes([0x1; 16]);
/// Where every story starts: some moment in 2026.
pub(crate) const START: Timestamp = Timestamp(1_770_000_000_000_000);

/// One instance and its history.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) now: Timestamp,
    pub(crate) state: Option<State>,
    pub(crate) commits: Vec<CommitV2>,
    epoch: u64,
    number: u64,
}

impl Life {
    /// Nothing yet.
    pub(crate) fn unborn() -> Self {
        Self { now: START, state: None, commits: Vec::new(), epoch: 1, number: 0 }
    }

    pub(crate) fn created() -> Self {
        let mut life = Self::unborn();
        life.applied(create());
        life
    }

    pub(crate) fn connecting() -> Self {
        let mut life = Self::created();
        life.applied(connect());
        life
    }

    pub(crate) fn pairing() -> Self {
        let mut life = Self::connecting();
        life.report_qr();
        life
    }

    pub(crate) fn linked() -> Self {
        let mut life = Self::pairing();
        life.report_linked();
        life
    }

    pub(crate) fn open() -> Self {
        let mut life = Self::linked();
        life.report_open();
        life
    }

    pub(crate) fn paused(reason: PauseReasonV1, until: Option<Timestamp>) -> Self {
        let mut life = Self::open();
        life.report_paused(reason, until);
        life
    }

    pub(crate) fn logged_out() -> Self {
        let mut life = Self::open();
        life.applied(logout());
        life
    }

    pub(crate) fn deleted() -> Self {
        let mut life = Self::open();
        life.applied(delete());
        life
    }

    // === telling the story ===

    pub(crate) fn wait_seconds(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.plus_seconds(seconds);
        self
    }

    /// Another connector owns the link from now on.
    pub(crate) fn new_owner(&mut self) -> &mut Self {
        self.epoch += 1;
        self.number = 0;
        self
    }

    pub(crate) fn report(&mut self) -> ReportV1 {
        self.number += 1;
        ReportV1 { attempt: self.state().attempt, epoch: self.epoch, number: self.number }
    }

    /// Decides and, if accepted, commits.
    pub(crate) fn send(&mut self, command: impl Into<Command>) -> Result<Decision, RejectionCodeV1> {
        let decision = decide(self.state.as_ref(), &command.into(), &Context { now: self.now })?;
        self.commit(&decision);
        self.now = self.now.plus_millis(1);
        Ok(decision)
    }

    /// Expects events and gives their names.
    #[track_caller]
    pub(crate) fn applied(&mut self, command: impl Into<Command>) -> Vec<&'static str> {
        let decision = self.send(command).unwrap();
        assert_eq!(decision.outcome.code, OutcomeCodeV1::Applied);
        assert!(!decision.events.is_empty(), "applied without an event");
        decision.events.iter().map(Event::name).collect()
    }

    /// Expects that nothing changes.
    #[track_caller]
    pub(crate) fn unchanged(&mut self, command: impl Into<Command>) {
        let decision = self.send(command).unwrap();
        assert_eq!((decision.outcome.code, decision.events), (OutcomeCodeV1::Unchanged, vec![]));
    }

    /// Expects that a running attempt is joined.
    #[track_caller]
    pub(crate) fn joined(&mut self, command: impl Into<Command>) {
        let decision = self.send(command).unwrap();
        assert_eq!((decision.outcome.code, decision.events), (OutcomeCodeV1::Joined, vec![]));
    }

    /// Expects a refusal.
    #[track_caller]
    pub(crate) fn refused(&mut self, command: impl Into<Command>) -> RejectionCodeV1 {
        self.send(command).unwrap_err()
    }

    pub(crate) fn report_qr(&mut self) -> Vec<&'static str> {
        let report = self.report();
        let command = qr(report, self.now.plus_seconds(20));
        self.applied(command)
    }

    pub(crate) fn report_linked(&mut self) -> Vec<&'static str> {
        let report = self.report();
        self.applied(ReportLinkedV1 { report, device: device(1) })
    }

    pub(crate) fn report_open(&mut self) -> Vec<&'static str> {
        let report = self.report();
        self.applied(ReportOpenV1 { report })
    }

    pub(crate) fn report_lost(&mut self) -> Vec<&'static str> {
        let report = self.report();
        self.applied(lost(report))
    }

    pub(crate) fn report_paused(
        &mut self,
        reason: PauseReasonV1,
        until: Option<Timestamp>,
    ) -> Vec<&'static str> {
        let report = self.report();
        self.applied(ReportPausedV1 { report, reason, code: 402, until })
    }

    // === looking at it ===

    pub(crate) fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    /// The native words: `linked/open`, `paused` …
    pub(crate) fn words(&self) -> String {
        let phase = &self.state().phase;
        match connection_word(phase) {
            Some(connection) => format!("{}/{connection}", state_word(phase)),
            None => state_word(phase).to_owned(),
        }
    }

    fn commit(&mut self, decision: &Decision) {
        let version = self.commits.len() as u64 + 1;
        let receipt = receipt(version, version.is_multiple_of(3), &decision.outcome);
        for event in &decision.events {
            self.state = evolve(self.state.take(), event, self.now);
        }
        let state = self.state.as_mut().unwrap();
        remember(state, &receipt, version);
        self.commits.push(CommitV2 {
            stream: StreamKey::instance(INSTANCE),
            version,
            previous: Hash([0; 32]),
            occurred_at: self.now,
            receipts: vec![receipt],
            events: decision.events.iter().map(|event| event.to_record().unwrap()).collect(),
            state: CarriedV1::Full(RecordV1::of(state).unwrap()),
            account_version: 0,
            traceparent: None,
            damage: None,
        });
    }
}

// === commands ===

pub(crate) fn create() -> CreateInstanceV1 {
    CreateInstanceV1 {
        account: ACCOUNT,
        number: 1_234_567_890,
        name: sealed("name"),
        token: sealed("token"),
        entries: EntriesV1 { name: entry(1), token: entry(2), number: entry(3), alias: None, creation: None },
        settings: vec![],
        webhooks: vec![],
    }
}

pub(crate) fn connect() -> ConnectV1 {
    ConnectV1 { method: MethodV1::Qr }
}

pub(crate) fn connect_phone(phone: &str) -> ConnectV1 {
    ConnectV1 { method: MethodV1::PairingCode { phone: sealed(phone) } }
}

pub(crate) fn reconnect() -> ReconnectV1 {
    ReconnectV1 {}
}

pub(crate) fn restart() -> RestartV1 {
    RestartV1 {}
}

pub(crate) fn disconnect() -> DisconnectV1 {
    DisconnectV1 {}
}

pub(crate) fn logout() -> LogoutV1 {
    LogoutV1 {}
}

pub(crate) fn delete() -> DeleteV1 {
    DeleteV1 { only_without_session: false }
}

pub(crate) fn delete_idle() -> DeleteV1 {
    DeleteV1 { only_without_session: true }
}

pub(crate) fn configure(webhook: WebhookV1) -> ConfigureWebhookV1 {
    ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }
}

pub(crate) fn qr(report: ReportV1, expires_at: Timestamp) -> ReportQrV1 {
    ReportQrV1 { report, index: 1, digest: Hash([7; 32]), expires_at }
}

pub(crate) fn lost(report: ReportV1) -> ReportLostV1 {
    ReportLostV1 { report, code: 503, source_code: "stream_end".to_owned() }
}

pub(crate) fn ended(report: ReportV1, reason: EndReasonV1) -> ReportAttemptEndedV1 {
    ReportAttemptEndedV1 { report, reason, code: 0 }
}

pub(crate) fn phone_logout(report: ReportV1) -> ReportLoggedOutV1 {
    ReportLoggedOutV1 { report, origin: LogoutOriginV1::Phone, code: 401 }
}

pub(crate) fn unlinked(attempt: u32) -> ReportUnlinkedV1 {
    ReportUnlinkedV1 { report: ReportV1 { attempt, epoch: 1, number: 1 }, abandoned: None }
}

// === values ===

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed(text.as_bytes().to_vec())
}

pub(crate) fn entry(number: u8) -> DirectoryId {
    DirectoryId::from_bytes([number; 16])
}

pub(crate) fn endpoint(number: u8) -> EndpointId {
    EndpointId::from_bytes([number; 16])
}

pub(crate) fn block(owner: &str, body: &str) -> SettingsBlockV1 {
    SettingsBlockV1 { owner: owner.to_owned(), body: sealed(body) }
}

pub(crate) fn device(number: u8) -> DeviceV1 {
    DeviceV1 {
        jid: Sealed(vec![number; 24]),
        lid: None,
        phone: Sealed(vec![number; 13]),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: "android".to_owned(),
    }
}

pub(crate) fn webhook(number: u8) -> WebhookV1 {
    WebhookV1 {
        id: endpoint(number),
        format: "native".to_owned(),
        label: String::new(),
        enabled: true,
        url: sealed("https://example.com/hook"),
        headers: None,
        authorization: None,
        secret: Sealed(vec![number; 32]),
        old_secrets: vec![],
        events: vec![],
        after_logout_all: false,
        options: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub(crate) fn receipt(id: u64, keyed: bool, outcome: &berth_proto::commit::OutcomeV1) -> ReceiptV2 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    ReceiptV2 {
        command_id: CommandId::from_bytes(bytes),
        keyed,
        digest: Hash([9; 32]),
        principal: PrincipalV1::Account { account: ACCOUNT },
        origin: OriginV1 { via: "native".to_owned() },
        causation: None,
        outcome: outcome.clone(),
        first_event: 0,
        event_count: 0,
        caller: None,
    }
}
