//! `doctor`, in front of what is well, what could be lost, and what is broken.

use berth_journeys::{Berth, ROOT_KEY, eventually};
use berth_test_support::NatsServer;
use serde_json::json;

use crate::world::{Fake, Shell, http};

/// What it says once nothing is wrong: what processes say of themselves is up to two seconds old.
async fn well(root: &Shell) -> String {
    let done = eventually("nothing is wrong", async || {
        let done = root.run(&["doctor"]).await;
        if done.code == Some(0) { Ok(done) } else { Err(done) }
    });
    done.await.out
}

#[tokio::test]
async fn what_is_well_and_what_could_be_lost_is_no_fault() {
    let berth = Berth::embedded().start().await;
    let anybody = Shell::at(berth.client().base()).run(&["doctor"]).await.expect(0);
    assert!(anybody.contains("parts are ready") && anybody.contains("none is given"), "{anybody}");
    let account = Shell::of(&berth).run(&["doctor"]).await.expect(0);
    assert!(account.contains("of account: the deployment is seen with the root key only"), "{account}");
    let root = Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY);
    let told = well(&root).await;
    for words in ["s between this machine", "webhooks is run by 1", "every process is", "embedded; synced: "]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("wrong") && !told.contains("risk"), "{told}");
    let findings = root.json(&["doctor"]).await;
    assert_eq!(findings["findings"][0]["verdict"], "ok", "{findings}");
}

#[tokio::test]
async fn what_nobody_does_and_what_one_server_alone_keeps_is_told_of() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let root = Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY);
    let well = well(&root).await;
    assert!(well.contains("risk") && well.contains("one server keeps"), "{well}");
    assert!(well.contains("cannot be proved: no evidence key is set"), "{well}");
    berth.kill9_role("connector");
    let told = eventually("its lease has ended", async || {
        let done = root.run(&["doctor"]).await;
        if done.code == Some(1) && done.out.contains("nobody runs connector") { Ok(done) } else { Err(done) }
    })
    .await;
    assert!(told.out.contains("no code is shown"), "{told:?}");
    assert!(told.err.contains("wrong"), "{told:?}");
}

#[tokio::test]
async fn a_token_of_nobody_and_a_clock_that_is_wrong_are_faults() {
    let berth = Berth::embedded().start().await;
    let refused = Shell::of(&berth).with("BERTHCTL_TOKEN", "wrong-token-of-nobody").run(&["doctor"]).await;
    assert!(refused.out.contains("(unauthorized)"), "{refused:?}");
    assert!(refused.refused(1).contains("one thing is wrong"));

    let ready = json!({"ready": true, "checks": {"log": {"ready": true, "detail": "there"}}}).to_string();
    let ready = http("200 OK", "date: Tue, 01 Jan 2030 00:00:00 GMT\r\n", &ready);
    let who = http("200 OK", "", r#"{"principal":"account"}"#);
    let fake = Fake::start(&[Some(&ready), Some(&who)]).await;
    let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    let late = shell.run(&["doctor"]).await;
    assert!(late.out.contains("wrong") && late.out.contains("s between this machine"), "{late:?}");
    late.refused(1);
}
