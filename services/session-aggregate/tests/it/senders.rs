//! Nobody gets a command decided in the name of another one.

use berth_proto::{
    InstanceId, StreamKey,
    codec::{decode, encode},
    command::{ReportOpenV1, ReportV1},
    commit::{OriginV1, PrincipalV1},
    frame::{CommandReplyV1, CommandRequestV1, RejectionCodeV1},
    subject::{CommandSubject, Decider, Sender},
};

use crate::world::{PATIENCE, World, accepted, rejected};

async fn send(world: &World, subject: CommandSubject, request: &CommandRequestV1) -> CommandReplyV1 {
    let payload = encode(request).unwrap().into();
    let reply = world.bus.request(&subject.to_string(), payload, PATIENCE).await.unwrap();
    decode(&reply).unwrap()
}

fn subject(sender: Sender, instance: InstanceId) -> CommandSubject {
    CommandSubject::new(Decider::Owner, sender, &StreamKey::instance(instance))
}

#[tokio::test]
async fn a_service_that_speaks_for_an_account_is_refused_and_leaves_no_trace() {
    let world = World::start().await;
    let id = world.linked("first", 1_111_111_111).await;
    let before = world.commits(StreamKey::instance(id)).await.len();
    // A logout as the history would show a client's: from the account, through the native API.
    let origin = OriginV1 { via: "native".to_owned() };
    let forged = CommandRequestV1 { origin, principal: world.as_account(), ..world.logout(id) };
    for sender in [Sender::Link, Sender::Clock, Sender::Delivery, Sender::Start] {
        let reply = send(&world, subject(sender, id), &forged).await;
        assert_eq!(rejected(reply), RejectionCodeV1::NotForSender, "{sender}");
    }
    // And no gateway reports for a device, nor as a service.
    let report = ReportV1 { attempt: 1, epoch: 1, number: 2 };
    for principal in [PrincipalV1::Root, world.as_account(), PrincipalV1::Service] {
        let open = CommandRequestV1 { principal, ..world.request(id, ReportOpenV1 { report }) };
        let reply = send(&world, subject(Sender::Client, id), &open).await;
        assert_eq!(rejected(reply), RejectionCodeV1::NotForSender, "{principal:?}");
    }
    assert_eq!(world.commits(StreamKey::instance(id)).await.len(), before);
    accepted(send(&world, subject(Sender::Client, id), &forged).await);
}

#[tokio::test]
async fn a_command_on_the_subject_of_another_instance_is_refused() {
    let world = World::start().await;
    let (id, other) =
        (world.linked("first", 1_111_111_111).await, world.linked("other", 2_222_222_222).await);
    let logout = world.logout(id);
    let reply = send(&world, subject(Sender::Client, other), &logout).await;
    assert_eq!(rejected(reply), RejectionCodeV1::NotForSender);
    let right = subject(Sender::Client, id);
    let elsewhere = berth_proto::Partition::all().find(|one| *one != right.partition).unwrap();
    let reply = send(&world, CommandSubject { partition: elsewhere, ..right }, &logout).await;
    assert_eq!(rejected(reply), RejectionCodeV1::NotForSender);
}

#[tokio::test]
async fn a_command_for_any_replica_is_decided_as_one_for_the_owner() {
    let mut world = World::start().await;
    world.add_replica().await;
    let id = world.linked("first", 1_111_111_111).await;
    let right = subject(Sender::Client, id);
    let out = accepted(send(&world, right, &world.logout(id)).await);
    let again = send(&world, CommandSubject { decider: Decider::Any, ..right }, &world.logout(id)).await;
    assert_eq!(accepted(again).version, out.version, "it was logged out already");
}
