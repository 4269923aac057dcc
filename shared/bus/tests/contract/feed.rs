//! The feed of public events, wherever it is kept.

use std::sync::Arc;

use async_nats::jetstream::{self, consumer::PullConsumer};
use berth_bus::{
    EventFeed,
    local::LocalFeed,
    nats::{FEED_STREAM, NatsFeed, connect, reader_name},
};
use berth_proto::{AccountId, InstanceId, Partition, subject::public_event_subject};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::StreamExt;

use crate::support::in_time;

const fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn subject(of: u8, instance: u8) -> String {
    public_event_subject(account(of), InstanceId::from_bytes([instance; 16]))
}

async fn each_event_comes_after_the_one_before_it(feed: Arc<dyn EventFeed>) {
    let (one, other) = (subject(1, 1), subject(1, 2));
    assert_eq!(feed.last(&one).await.unwrap(), None);
    let first = feed.add(&one, "a-1-0", Bytes::from_static(b"first"), 0).await.unwrap().unwrap();
    feed.add(&other, "b-1-0", Bytes::from_static(b"other"), 0).await.unwrap().unwrap();
    // Somebody who does not know of it adds nothing.
    assert_eq!(feed.add(&one, "a-2-0", Bytes::from_static(b"late"), 0).await.unwrap(), None);
    let second = feed.add(&one, "a-2-0", Bytes::from_static(b"second"), first).await.unwrap().unwrap();
    assert!(second > first);
    let last = feed.last(&one).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.payload), (second, Bytes::from_static(b"second")));
}

async fn what_was_noted_last_is_read(feed: Arc<dyn EventFeed>) {
    let (one, other) = (Partition::new(7).unwrap(), Partition::new(8).unwrap());
    assert_eq!(feed.noted(one).await.unwrap(), None);
    for mark in ["first", "second"] {
        feed.note(one, mark.into()).await.unwrap();
        assert_eq!(feed.noted(one).await.unwrap(), Some(Bytes::from_static(mark.as_bytes())));
    }
    assert_eq!(feed.noted(other).await.unwrap(), None);
}

#[tokio::test]
async fn local() {
    each_event_comes_after_the_one_before_it(Arc::new(LocalFeed::default())).await;
    what_was_noted_last_is_read(Arc::new(LocalFeed::default())).await;
}

#[tokio::test]
async fn nats() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "feed").await.unwrap();
    let feed = Arc::new(NatsFeed::open(client, 1).await.unwrap());
    each_event_comes_after_the_one_before_it(feed.clone()).await;
    what_was_noted_last_is_read(feed).await;
}

#[tokio::test]
async fn a_reader_gets_the_events_of_its_account_and_goes_on_where_it_was() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "feed").await.unwrap();
    let feed = NatsFeed::open(client.clone(), 1).await.unwrap();
    for (number, (of, instance)) in (1..).zip([(1, 1), (2, 1), (1, 2)]) {
        let id = format!("{number}");
        feed.add(&subject(of, instance), &id, id.clone().into(), 0).await.unwrap().unwrap();
    }
    feed.make_reader(account(1), 1).await.unwrap();
    for wanted in ["1", "3"] {
        // Making it again changes nothing.
        feed.make_reader(account(1), 1).await.unwrap();
        let context = jetstream::new(client.clone());
        let reader: PullConsumer =
            context.get_consumer_from_stream(reader_name(account(1), 1), FEED_STREAM).await.unwrap();
        let mut messages = reader.fetch().max_messages(1).messages().await.unwrap();
        let message = in_time(messages.next()).await.unwrap().unwrap();
        assert_eq!(message.payload, wanted);
        assert_eq!(message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().as_str(), wanted);
        message.double_ack().await.unwrap();
    }
}
