//! States and commits for the tests of the pure parts.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "for tests only")]

use berth_proto::{
    AccountId, CommitV2, DirectoryId, EndpointId, Hash, InstanceId, RecordV1, Sealed, StreamKey, Timestamp,
    commit::CarriedV1,
    event::{Event, ReportedV1},
    instance::{
        AttemptV1, CodeV1, ConnectionV1, DeviceV1, EntriesV1, InstanceStateV1, LinkV1, MethodV1,
        PermissionV1, PhaseV1, PriorV1, WebhookV1,
    },
};

/// A moment, in seconds after the tests began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).plus_seconds(seconds)
}

fn sealed(text: &str) -> Sealed {
    Sealed(text.as_bytes().to_vec())
}

fn entry(number: u8) -> DirectoryId {
    DirectoryId::from_bytes([number; 16])
}

/// Which report an event of the tests records.
pub const REPORTED: ReportedV1 = ReportedV1 { epoch: 1, number: 1 };

/// The instance of the tests.
pub const INSTANCE: InstanceId = InstanceId::from_bytes([7; 16]);

/// An endpoint of a format that wants everything.
pub fn webhook(format: &str) -> WebhookV1 {
    WebhookV1 {
        id: EndpointId::from_bytes([9; 16]),
        format: format.to_owned(),
        label: "main".to_owned(),
        enabled: true,
        url: sealed("url"),
        headers: None,
        authorization: None,
        secret: sealed("secret"),
        old_secrets: Vec::new(),
        events: Vec::new(),
        after_logout_all: false,
        options: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A state with one native endpoint.
pub fn state(phase: PhaseV1, permission: PermissionV1, session: u32) -> InstanceStateV1 {
    InstanceStateV1 {
        account: AccountId::from_bytes([1; 16]),
        created_at: at(0),
        updated_at: at(0),
        number: 1_101_000_001,
        name: sealed("name"),
        token: sealed("token"),
        entries: EntriesV1 { name: entry(1), token: entry(2), number: entry(3), alias: None, creation: None },
        credential_version: 1,
        jwt_version: 1,
        phase,
        session,
        attempt: 1,
        permission,
        last_device: None,
        last_end: None,
        unlinks: Vec::new(),
        webhooks: vec![webhook("native")],
        settings: Vec::new(),
        keyed: Vec::new(),
        unkeyed: Vec::new(),
    }
}

/// Linked and open.
pub fn linked() -> PhaseV1 {
    PhaseV1::Linked(LinkV1 {
        attempt: 1,
        linked_at: at(0),
        connection: ConnectionV1::Open,
        since: at(0),
        device: device(),
        epoch: 1,
        report: 1,
    })
}

/// A device.
pub fn device() -> DeviceV1 {
    DeviceV1 {
        jid: sealed("jid"),
        lid: None,
        phone: sealed("phone"),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: "android".to_owned(),
    }
}

/// Logged out.
pub fn logged_out() -> PhaseV1 {
    PhaseV1::LoggedOut { at: at(0) }
}

/// An attempt that shows a QR code.
pub fn pairing(number: u32, index: u32) -> PhaseV1 {
    PhaseV1::Pairing(AttemptV1 {
        number,
        method: MethodV1::Qr,
        started_at: at(0),
        deadline: at(60),
        prior: PriorV1::Created,
        epoch: 1,
        report: 1,
        qr: Some(CodeV1 { index, digest: Hash([0; 32]), issued_at: at(0), expires_at: at(20) }),
        pairing_code: None,
    })
}

/// A commit of the instance.
pub fn commit(version: u64, events: &[Event], state: &InstanceStateV1) -> CommitV2 {
    let stream = StreamKey::instance(INSTANCE);
    CommitV2 {
        stream,
        version,
        previous: Hash::genesis(&stream),
        occurred_at: at(0),
        receipts: Vec::new(),
        events: events.iter().map(|event| event.to_record().unwrap()).collect(),
        state: CarriedV1::Full(RecordV1::of(state).unwrap()),
        account_version: 0,
        traceparent: None,
        damage: None,
    }
}
