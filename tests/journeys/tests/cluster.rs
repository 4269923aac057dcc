//! Three NATS servers under load, and what happens to servers, wires and processes: every command that was answered is in
//! the history once.

use berth_journeys::{Berth, Load, Running, eventually};
use berth_test_support::NatsCluster;

/// The roles of which any process may die.
const MORTAL: [&str; 4] = ["session-aggregate", "projections", "webhooks", "connector"];

/// A deployment on three servers, with a second process that decides commands.
async fn deployed(cluster: &NatsCluster) -> Running {
    Berth::on_nats_at(&cluster.urls().join(","))
        .roles_in_processes()
        .one_more("session-aggregate")
        .setting("BERTH_NATS_REPLICAS", "3")
        .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
        .setting("BERTH_RATE_ACCOUNT_READS", "0")
        .time_scale(20)
        .start()
        .await
}

/// Ends the load and looks at the histories.
async fn all_is_well(load: Load, mut berth: Running, what: &str) {
    let done = load.end().await;
    println!(
        "{what}: {} commands, {} asked again, longest gap {:.1} s",
        2 * done.rounds,
        done.asked_again,
        done.longest_gap.as_secs_f32()
    );
    done.is_in_the_log_once(&berth.client()).await;
    berth.kill9();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_die_are_cut_off_or_leave_lose_and_double_nothing() {
    let mut cluster = NatsCluster::start().await;
    let berth = deployed(&cluster).await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    load.goes_on().await;

    let leader = cluster.leader_of("BERTH_LOG_0").await;
    cluster.kill(leader);
    load.goes_on().await;
    cluster.start_again(leader).await;

    let follower = (cluster.leader_of("BERTH_LOG_0").await + 1) % NatsCluster::SERVERS;
    cluster.kill(follower);
    load.goes_on().await;
    cluster.start_again(follower).await;

    // It goes on believing that it leads, and nobody else does.
    let cut_off = cluster.leader_of("BERTH_LOG_0").await;
    cluster.isolate(cut_off);
    load.goes_on().await;
    cluster.mend(cut_off).await;
    load.goes_on().await;

    let duck = cluster.leader_of("BERTH_LOG_1").await;
    cluster.signal(duck, "USR2");
    load.goes_on().await;
    cluster.ended(duck).await;
    cluster.start_again(duck).await;
    all_is_well(load, berth, "servers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_restarted_one_after_the_other_lose_and_double_nothing() {
    let mut cluster = NatsCluster::start().await;
    let berth = deployed(&cluster).await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    for server in 0..NatsCluster::SERVERS {
        load.goes_on().await;
        cluster.signal(server, "USR2");
        load.goes_on().await;
        cluster.ended(server).await;
        load.goes_on().await;
        cluster.start_again(server).await;
    }
    load.goes_on().await;
    all_is_well(load, berth, "a rolling restart of the servers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_replaced_gets_everything_from_the_others_and_then_one_of_these_may_go() {
    let mut cluster = NatsCluster::start().await;
    let berth = deployed(&cluster).await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    load.goes_on().await;
    let lost = cluster.leader_of("BERTH_LOG_0").await;
    cluster.kill(lost);
    load.goes_on().await;
    cluster.replace(lost).await;
    load.goes_on().await;

    // From now on nothing is decided without the new one.
    let other = (lost + 1) % NatsCluster::SERVERS;
    cluster.kill(other);
    load.goes_on().await;
    cluster.start_again(other).await;
    all_is_well(load, berth, "a server that was replaced").await;
}

/// Blocks that files of a server with a full disk may have: enough to begin with, too few for what a load appends.
const BLOCKS: u32 = 256;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_one_server_loses_and_doubles_nothing() {
    const FULL: usize = 2;
    let mut cluster = NatsCluster::start_with_a_full_disk(FULL, BLOCKS).await;
    let berth = deployed(&cluster).await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    eventually("a file has no more room", async || {
        let said = cluster.log_of(FULL);
        if said.contains("file too large") { Ok(()) } else { Err(said) }
    })
    .await;
    load.goes_on().await;
    load.goes_on().await;

    cluster.kill(FULL);
    cluster.make_room();
    cluster.start_again(FULL).await;
    load.goes_on().await;
    all_is_well(load, berth, "a full disk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_die_or_lose_their_server_lose_and_double_nothing() {
    let cluster = NatsCluster::start().await;
    let mut berth = deployed(&cluster).await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    load.goes_on().await;
    for server in 0..NatsCluster::SERVERS {
        cluster.shut_out(server);
        load.goes_on().await;
        cluster.mend(server).await;
    }
    for role in MORTAL {
        berth.take_one(role).kill9();
        load.goes_on().await;
        berth.restart_role(role).await;
    }
    // Clients know one gateway: what it had begun is asked for again, and is done once.
    berth.kill9_role("gateway");
    berth.restart_role("gateway").await;
    load.goes_on().await;
    all_is_well(load, berth, "services").await;
}
