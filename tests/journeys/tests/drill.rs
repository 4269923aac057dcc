//! The drill of docs/drill.md: a deployment on three servers with two processes of each role is replaced process by process under
//! load, loses a server, and is restored from a backup elsewhere; what an outsider kept before still proves its history.
//!
//! The processes that take over are of the same release here; the page tells of a drill with two.

use berth_journeys::{
    Berth, Load, MASTER_KEY, ROLES,
    whole::{exported, held, verified},
};
use berth_test_support::{NatsCluster, NatsServer};

const EVIDENCE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn deployment(berth: Berth) -> Berth {
    berth
        .setting("BERTH_MASTER_KEY", MASTER_KEY)
        .setting("BERTH_EVIDENCE_KEY", EVIDENCE_KEY)
        .setting("BERTH_EVIDENCE_INTERVAL", "1")
        .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
        .setting("BERTH_RATE_ACCOUNT_READS", "0")
        .time_scale(20)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_upgraded_loses_a_server_and_is_restored_elsewhere_with_its_history_proved() {
    let mut cluster = NatsCluster::start().await;
    let berth = Berth::on_nats_at(&cluster.urls().join(",")).roles_in_processes().replicas(2);
    let mut berth = deployment(berth).setting("BERTH_NATS_REPLICAS", "3").start().await;
    let client = berth.client();
    Load::prepare(&client).await;
    let load = Load::start(&client);
    load.goes_on().await;
    let held = held(&berth).await;

    // One process after the other, as an upgrade does it.
    for role in ROLES {
        for _replica in 0..2 {
            let mut former = berth.take_one(role);
            former.signal("TERM");
            assert!(former.ended().await.success(), "{role}: {}", former.stderr());
            // The clients of the story know one gateway: they wait for that, and the others go on.
            if role != "gateway" {
                load.goes_on().await;
            }
            berth.restart_role(role).await;
            load.goes_on().await;
        }
    }
    let lost = cluster.leader_of("BERTH_LOG_0").await;
    cluster.kill(lost);
    load.goes_on().await;

    let done = load.end().await;
    println!(
        "{} commands, {} asked again, longest gap {:.1} s",
        2 * done.rounds,
        done.asked_again,
        done.longest_gap.as_secs_f32()
    );
    done.is_in_the_log_once(&client).await;
    let backup = exported(&berth).await;
    berth.kill9();
    drop(cluster);

    let server = NatsServer::start().await;
    let mut elsewhere = deployment(Berth::on_nats(&server)).roles_in_processes().down();
    let restored = elsewhere.run(&["import", backup.path().to_str().unwrap()]).outcome().await;
    assert_eq!(restored.0, Some(0), "{}", restored.1);
    elsewhere.restart().await;
    done.is_in_the_log_once(&elsewhere.client()).await;
    elsewhere.stop().await;
    let said = verified(exported(&elsewhere).await.path(), &held);
    let of_each_shard = held["checkpoints"].as_array().unwrap().len();
    assert!(said.contains("It holds. This is the whole deployment"), "{said}");
    // A shard that got nothing since is signed as it was.
    let [went_on, stayed] = ["is the beginning of what is signed now", "is the one of this export"]
        .map(|what| said.matches(what).count());
    assert_eq!(went_on + stayed, of_each_shard, "{said}");
    assert!(went_on > 0, "{said}");
    assert!(said.contains("It is signed under the key that you know."), "{said}");
}
