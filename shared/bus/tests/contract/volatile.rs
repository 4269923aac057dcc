//! Values and counters that end.

use std::{sync::Arc, time::Duration};

use berth_bus::{Volatile, local::LocalVolatile, nats::NatsVolatile, port::VOLATILE_VALUE_BYTES_MAX};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::future::join_all;

use crate::support::{client, eventually};

const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn local() {
    let store: Arc<dyn Volatile> = Arc::new(LocalVolatile::new());
    suite(&[Arc::clone(&store), store]).await;
}

#[tokio::test]
async fn nats() {
    let server = NatsServer::start().await;
    let here: Arc<dyn Volatile> =
        Arc::new(NatsVolatile::open(client(&server, "here").await, 1).await.unwrap());
    let there: Arc<dyn Volatile> =
        Arc::new(NatsVolatile::open(client(&server, "there").await, 1).await.unwrap());
    suite(&[here, there]).await;
}

#[tokio::test]
async fn a_server_that_lost_its_memory_gets_an_empty_bucket() {
    let mut server = NatsServer::start().await;
    let here = NatsVolatile::open(client(&server, "here").await, 1).await.unwrap();
    let there: Arc<dyn Volatile> =
        Arc::new(NatsVolatile::open(client(&server, "there").await, 1).await.unwrap());
    there.put("code.a.0", Bytes::from_static(b"one"), LONG).await.unwrap();
    server.restart().await;
    let put = eventually("the bucket is there again", || async {
        there.put("code.b.0", Bytes::from_static(b"two"), LONG).await.is_ok()
    });
    tokio::select! {
        () = here.keep() => {}
        () = put => {}
    }
    assert_eq!(value(&there, "code.a.0").await, None);
    assert_eq!(value(&there, "code.b.0").await.unwrap(), "two");
}

async fn suite(replicas: &[Arc<dyn Volatile>; 2]) {
    a_value_is_seen_by_all_until_it_is_removed(replicas).await;
    a_value_ends(replicas).await;
    a_replaced_value_lives_anew(replicas).await;
    a_counter_is_exact(replicas).await;
    a_counter_ends_after_its_first_addition(replicas).await;
    bad_keys_and_long_values_are_refused(replicas).await;
}

async fn value(store: &Arc<dyn Volatile>, key: &str) -> Option<Bytes> {
    store.get(key).await.unwrap().map(|entry| entry.value)
}

async fn a_value_is_seen_by_all_until_it_is_removed([here, there]: &[Arc<dyn Volatile>; 2]) {
    assert_eq!(value(there, "code.a.0").await, None);
    here.put("code.a.0", Bytes::from_static(b"one"), LONG).await.unwrap();
    assert_eq!(value(there, "code.a.0").await.unwrap(), "one");
    there.put("code.a.0", Bytes::new(), LONG).await.unwrap();
    assert_eq!(value(here, "code.a.0").await.unwrap(), "", "an empty value is a value");
    assert_eq!(value(here, "code.a.1").await, None);
    here.remove("code.a.0").await.unwrap();
    assert_eq!(value(there, "code.a.0").await, None);
    here.remove("code.a.0").await.unwrap();
    here.put("code.a.0", Bytes::from_static(b"two"), LONG).await.unwrap();
    assert_eq!(value(there, "code.a.0").await.unwrap(), "two");
}

async fn a_value_ends([here, there]: &[Arc<dyn Volatile>; 2]) {
    here.put("short", Bytes::from_static(b"short"), SHORT).await.unwrap();
    here.put("long", Bytes::from_static(b"long"), LONG).await.unwrap();
    eventually("the value ends", || async { value(there, "short").await.is_none() }).await;
    assert_eq!(value(there, "long").await.unwrap(), "long");
}

async fn a_replaced_value_lives_anew([here, there]: &[Arc<dyn Volatile>; 2]) {
    here.put("replaced", Bytes::from_static(b"short"), SHORT).await.unwrap();
    here.put("witness", Bytes::from_static(b"short"), SHORT).await.unwrap();
    here.put("replaced", Bytes::from_static(b"long"), LONG).await.unwrap();
    eventually("the witness ends", || async { value(there, "witness").await.is_none() }).await;
    assert_eq!(value(there, "replaced").await.unwrap(), "long");
}

async fn a_counter_is_exact(replicas: &[Arc<dyn Volatile>; 2]) {
    const ADDITIONS: usize = 64;
    let additions = replicas.iter().cycle().take(ADDITIONS).map(|store| store.add("rate.a", 2, LONG));
    let mut counts: Vec<u64> = join_all(additions).await.into_iter().map(Result::unwrap).collect();
    counts.sort_unstable();
    let expected: Vec<u64> = (1..=ADDITIONS as u64).map(|number| number * 2).collect();
    assert_eq!(counts, expected, "each addition sees a count of its own");
    assert_eq!(value(&replicas[0], "rate.a").await, None, "counters and values do not mix");
}

async fn a_counter_ends_after_its_first_addition([here, there]: &[Arc<dyn Volatile>; 2]) {
    assert_eq!(here.add("rate.b", 5, SHORT).await.unwrap(), 5);
    // Adding nothing all the time must not keep it alive.
    eventually("the counter starts anew", || async { there.add("rate.b", 0, SHORT).await.unwrap() == 0 })
        .await;
}

async fn bad_keys_and_long_values_are_refused([here, _]: &[Arc<dyn Volatile>; 2]) {
    for key in ["", "a..b", "*", "a.>", "a b"] {
        assert!(here.put(key, Bytes::new(), LONG).await.is_err(), "{key:?}");
        assert!(here.get(key).await.is_err(), "{key:?}");
        assert!(here.remove(key).await.is_err(), "{key:?}");
        assert!(here.add(key, 1, LONG).await.is_err(), "{key:?}");
    }
    let longest = Bytes::from(vec![7; VOLATILE_VALUE_BYTES_MAX]);
    here.put("longest", longest.clone(), LONG).await.unwrap();
    assert_eq!(value(here, "longest").await, Some(longest));
    let longer = Bytes::from(vec![7; VOLATILE_VALUE_BYTES_MAX + 1]);
    assert!(here.put("longer", longer, LONG).await.is_err());
}
