//! An endpoint that never answers holds up nobody else.

mod common;

use std::time::Duration;

use berth_runtime::sealing::field;
use berth_webhooks::schedule::Schedule;
use common::{Receiver, World, slow};

/// Instances whose endpoints hang; each has two endpoints.
const HANGING: usize = 300;
/// Attempts at one host that does not answer.
const PER_HOST_MAX: usize = 16;

#[tokio::test]
async fn a_host_that_hangs_gets_sixteen_attempts_and_everybody_else_is_told_at_once() {
    let world = World::new().await;
    let (hanging, healthy) = (Receiver::start().await, Receiver::start().await);
    hanging.hold(true);
    // No attempt ends while the test runs.
    let _replica = world.replica("a", Schedule { attempt_max: Duration::from_hours(1), ..slow() }).await;
    for _ in 0..HANGING {
        let stuck = world.beside().await;
        let hooks =
            vec![stuck.endpoint(1, "mega", hanging.address), stuck.endpoint(2, "mega", hanging.address)];
        stuck.create(hooks).await;
        stuck.link().await;
    }
    hanging.received(PER_HOST_MAX).await;
    for told in 1..=20 {
        let lively = world.beside().await;
        lively.create(vec![lively.endpoint(1, "mega", healthy.address)]).await;
        lively.link().await;
        healthy.received(told).await;
    }
    assert_eq!(hanging.hits().len(), PER_HOST_MAX);
}

#[tokio::test]
async fn many_names_of_one_address_that_hangs_get_sixteen_attempts_together() {
    let world = World::new().await;
    let (hanging, healthy) = (Receiver::start().await, Receiver::start().await);
    hanging.hold(true);
    let _replica = world.replica("a", Schedule { attempt_max: Duration::from_hours(1), ..slow() }).await;
    for name in 0..3 * PER_HOST_MAX {
        let stuck = world.beside().await;
        let mut hook = stuck.endpoint(1, "mega", hanging.address);
        let url = format!("http://name-{name}.localhost:{}/", hanging.address.port());
        hook.url = stuck.seal(field::WEBHOOK_URL, &url);
        stuck.create(vec![hook]).await;
        stuck.link().await;
    }
    hanging.received(PER_HOST_MAX).await;
    let lively = world.beside().await;
    lively.create(vec![lively.endpoint(1, "mega", healthy.address)]).await;
    lively.link().await;
    healthy.received(1).await;
    assert_eq!(hanging.hits().len(), PER_HOST_MAX);
    // Those that were turned away are served when there is room.
    hanging.hold(false);
    hanging.received(3 * PER_HOST_MAX).await;
}
