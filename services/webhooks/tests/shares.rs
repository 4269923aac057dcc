//! An endpoint that never answers holds up nobody else.

mod common;

use std::time::Duration;

use berth_runtime::sealing::field;
use berth_webhooks::schedule::Schedule;
use common::{DEADLINE, Receiver, World, slow};

/// Instances whose endpoints hang; each has two endpoints.
const HANGING: usize = 300;
/// Attempts at one host that does not answer.
const PER_HOST_MAX: usize = 16;
/// Attempts of one account that is alone at hosts that do not answer: half of what is left free of 384.
const SILENT_OF_ACCOUNT_MAX: usize = 128;
/// Hosts of one account that hang.
const HANGING_HOSTS: u8 = 40;
/// Instances with endpoints at half of these hosts each: more attempts than one account may have.
const STUCK: usize = 16;

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
    assert_eq!((hanging.hits().len(), hanging.connections()), (PER_HOST_MAX, PER_HOST_MAX));
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

#[tokio::test]
async fn hosts_that_hang_leave_room_for_those_of_the_same_account_that_answer() {
    let world = World::new().await;
    let healthy = Receiver::start().await;
    let hanging: Vec<Receiver> =
        futures::future::join_all((0..HANGING_HOSTS).map(|_| Receiver::start())).await;
    // No attempt ends while the test runs.
    let _replica = world.replica("a", Schedule { attempt_max: Duration::from_hours(1), ..slow() }).await;
    let tell = async |told| {
        let lively = world.beside().await;
        lively.create(vec![lively.endpoint(1, "mega", healthy.address)]).await;
        lively.link().await;
        healthy.received(told).await;
    };
    tell(1).await;
    for host in &hanging {
        host.hold(true);
    }
    for half in (0..STUCK).map(|number| number % 2) {
        let stuck = world.beside().await;
        let to = hanging.iter().skip(half).step_by(2);
        let hooks = (1..).zip(to).map(|(number, host)| stuck.endpoint(number, "mega", host.address));
        stuck.create(hooks.collect()).await;
        stuck.link().await;
    }
    // A third of the first tries is theirs, and no more.
    let reached = async || hanging.iter().map(|host| host.hits().len()).sum::<usize>();
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while reached().await < SILENT_OF_ACCOUNT_MAX && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for told in 2..=20 {
        tell(told).await;
    }
    assert_eq!(reached().await, SILENT_OF_ACCOUNT_MAX);
}
