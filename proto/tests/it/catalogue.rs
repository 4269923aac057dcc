//! Every frozen type, in one list.

use std::collections::BTreeSet;

use berth_proto::{
    CommitV1, CommitV2,
    account::*,
    attempt::DeliveryAttemptV1,
    codec::{DecodeError, Frozen, decode, encode},
    command::*,
    deliveries::{DeliveriesReplyV1, DeliveriesRequestV1},
    delivery::{
        DeliveryEvent, DeliveryStateV1, DispatcherChangedV1, EndpointReportedV1, LastWordsKeptV1,
        NoticesReopenedV1, NoticesSettledV1,
    },
    directory::{DirectoryEvent, DirectoryStateV1, ReleasedV1, ReservedV1},
    event::*,
    evidence::{EvidenceQueryV1, EvidenceReplyV1},
    frame::{CommandReplyV1, CommandRequestV1, CommandRequestV2},
    instance::InstanceStateV1,
    letter::{LetterReplyV1, LetterV1},
    pull::{PullReplyV1, PullRequestV1},
    query::{QueryReplyV1, QueryV1},
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
};
use serde_json::Value;
use serde_reflection::{Samples, Tracer};

use crate::arbitrary::arbitrary;

/// A value as JSON and written again.
pub(crate) type Reread = Result<(Value, Vec<u8>), DecodeError>;

/// What a test can do with a frozen type without naming it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) type_id: u16,
    pub(crate) version: u8,
    /// The encoded value that belongs to a number.
    pub(crate) example: fn(u64) -> Vec<u8>,
    /// Reads bytes.
    pub(crate) reread: fn(&[u8]) -> Reread,
    /// Notes the shape of the type.
    pub(crate) trace: fn(&mut Tracer, &Samples),
}

fn entry<T: Frozen>() -> Entry {
    let path = std::any::type_name::<T>();
    Entry {
        name: path.rsplit("::").next().unwrap_or(path),
        type_id: T::TYPE,
        version: T::VERSION,
        example: |seed| encode(&arbitrary::<T>(seed)).unwrap(),
        reread: |bytes| {
            let value: T = decode(bytes)?;
            Ok((serde_json::to_value(&value).unwrap(), encode(&value).unwrap()))
        },
        trace: |tracer, samples| {
            tracer.trace_type::<T>(samples).unwrap();
        },
    }
}

macro_rules! entries {
    ($($type:ty),+ $(,)?) => { vec![$(entry::<$type>()),+] };
}

/// Every frozen type, by type id.
#[expect(clippy::too_many_lines, reason = "it is one list")]
pub(crate) fn catalogue() -> Vec<Entry> {
    let mut all = entries![
        CommitV1,
        CommitV2,
        InstanceStateV1,
        AccountStateV1,
        AccountStateV2,
        AccountStateV3,
        DirectoryStateV1,
        DeliveryStateV1,
        CommandRequestV1,
        CommandRequestV2,
        CommandReplyV1,
        QueryV1,
        QueryReplyV1,
        PullRequestV1,
        PullReplyV1,
        LetterV1,
        LetterReplyV1,
        DeliveryAttemptV1,
        DeliveriesRequestV1,
        DeliveriesReplyV1,
        RedeliveryRequestV1,
        RedeliveryReplyV1,
        EvidenceQueryV1,
        EvidenceReplyV1,
        // Events of an instance.
        InstanceCreatedV1,
        ConnectRequestedV1,
        QrIssuedV1,
        PairingCodeIssuedV1,
        PairingCodeRefusedV1,
        ConnectEndedV1,
        DeviceLinkedV1,
        ResumeRequestedV1,
        StopRequestedV1,
        ConnectionOpenedV1,
        ConnectionLostV1,
        LinkPausedV1,
        LoggedOutV1,
        DeviceUnlinkedV1,
        UnlinkAbandonedV1,
        WebhooksSuspendedV1,
        QrWebhooksAllowedV1,
        WebhooksResumedV1,
        WebhookConfiguredV1,
        WebhookRemovedV1,
        WebhookSecretRotatedV1,
        TokenRotatedV1,
        SettingsChangedV1,
        SwitchedV1,
        InstanceMovedV1,
        InstanceRenamedV1,
        LinkBoundV1,
        InstanceDeletedV1,
        AbandonedV1,
        // Events of the other kinds.
        AccountCreatedV1,
        AccountTokenRotatedV1,
        AccountRenamedV1,
        AccountAttributesChangedV1,
        AccountWebhookConfiguredV1,
        AccountWebhookRemovedV1,
        AccountClosedV1,
        AccountSettledV1,
        AccountUpstreamChosenV1,
        ReservedV1,
        ReleasedV1,
        NoticesSettledV1,
        DispatcherChangedV1,
        LastWordsKeptV1,
        NoticesReopenedV1,
        EndpointReportedV1,
        // Commands.
        CreateInstanceV1,
        ConnectV1,
        ReconnectV1,
        RestartV1,
        DisconnectV1,
        LogoutV1,
        DeleteV1,
        ConfigureWebhookV1,
        ReplaceWebhookV1,
        RemoveWebhookV1,
        RotateWebhookSecretV1,
        RotateTokenV1,
        ChangeSettingsV1,
        SwitchV1,
        MoveV1,
        RenameV1,
        ReportQrV1,
        ReportPairingCodeV1,
        ReportPairingCodeRefusedV1,
        ReportAttemptEndedV1,
        ReportLinkedV1,
        ReportOpenV1,
        ReportLostV1,
        ReportPausedV1,
        ReportLoggedOutV1,
        ReportUnlinkedV1,
        ReportWebhookTakenV1,
        ReportWebhookGivenBackV1,
        ExpireAttemptV1,
        AbandonUnlinkV1,
        EndBanV1,
        AbandonCreateV1,
        DisableWebhookV1,
    ];
    all.sort_by_key(|entry| (entry.type_id, entry.version));
    all
}

#[test]
fn nothing_of_the_tables_is_missing_and_no_number_is_used_twice() {
    let all = catalogue();
    let ids: BTreeSet<_> = all.iter().map(|entry| (entry.type_id, entry.version)).collect();
    assert_eq!(ids.len(), all.len(), "a type id is used twice");
    for table in
        [Event::TABLE, Command::TABLE, AccountEvent::TABLE, DirectoryEvent::TABLE, DeliveryEvent::TABLE]
    {
        for (name, type_id) in table {
            assert!(all.iter().any(|entry| entry.type_id == *type_id), "{name} is not in the catalogue");
        }
    }
}
