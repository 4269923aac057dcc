//! Two processes whose clocks differ cannot both agree with the servers.

use berth_bus::nats::{NatsKeyStore, ahead_of_servers};
use berth_proto::Timestamp;
use berth_runtime::{Clock as _, ManualClock, SystemClock};
use berth_test_support::NatsServer;

use crate::support::client;

#[tokio::test]
async fn a_clock_that_is_apart_from_that_of_the_servers_is_seen() {
    let server = NatsServer::start().await;
    let client = client(&server, "clock").await;
    assert_eq!(ahead_of_servers(&client, &SystemClock).await, None, "nobody says what there is not");
    NatsKeyStore::open(client.clone(), 1).await.unwrap();
    assert_eq!(ahead_of_servers(&client, &SystemClock).await, Some(0));
    for apart in [3_600, -3_600] {
        let clock = ManualClock::new(Timestamp(SystemClock.now().0 + apart * 1_000_000));
        let seen = ahead_of_servers(&client, &clock).await.unwrap();
        // The clock of the story stands while it is asked.
        assert!((seen - apart).abs() <= 60, "{seen} s of {apart} s");
    }
}
