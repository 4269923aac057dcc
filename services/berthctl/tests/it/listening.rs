//! `listen`: real notices are verified, others refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_journeys::{Berth, Client, steps};
use serde_json::json;

use crate::world::{Going, Shell};

/// Where it says that it listens.
fn address(going: &Going) -> String {
    let said = going.err();
    let (_, rest) = said.split_once("listening on ").expect("it listens");
    rest.split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn real_notices_are_printed_and_the_webhook_goes_with_the_listener() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let going = shell.start(&["listen", "shop", "-o", "jsonl"]);
    going.until("it listens", |it| it.err().contains("listening on")).await;
    let webhooks = shell.json(&["webhook", "ls", "shop"]).await;
    assert_eq!(webhooks["webhooks"][0]["label"], "berthctl listen");
    assert_eq!(webhooks["webhooks"][0]["url"], format!("{}/", address(&going)));
    steps::link(&client, "shop").await;
    going
        .until("the link is told", |it| it.lines().iter().any(|line| line["body"]["type"] == "instance.open"))
        .await;

    // Somebody who knows the address and not the secret.
    let stranger = Client::new(address(&going));
    let body = json!({"type": "instance.logged_out", "data": {"name": "shop"}});
    stranger.post("/", body.clone()).await.expect(401);
    let now = berth_now();
    let signed = stranger
        .header("webhook-id", "msg_forged")
        .header("webhook-timestamp", &now)
        .header("webhook-signature", &format!("v1,{}", STANDARD.encode([7; 32])));
    signed.post("/", body).await.expect(401);
    going.until("both are told", |it| it.err().matches("refused a request that claims").count() == 2).await;
    assert!(going.err().contains("its signature is not by the secret of this endpoint"), "{}", going.err());
    assert!(going.err().contains("it has no `webhook-id`"), "{}", going.err());

    client.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    let is_logout = |line: &serde_json::Value| line["body"]["type"] == "instance.logged_out";
    going.until("the logout is told", |it| it.lines().iter().any(is_logout)).await;
    assert_eq!(
        going.lines().iter().filter(|line| is_logout(line)).count(),
        1,
        "the forged one is not printed"
    );
    going.signal("INT").await;
    let done = going.ended().await;
    assert!(done.err.contains("the webhook is removed again"), "{done:?}");
    done.expect(0);
    assert_eq!(shell.json(&["webhook", "ls", "shop"]).await["webhooks"], json!([]));
}

fn berth_now() -> String {
    let date = std::process::Command::new("date").arg("+%s").output().expect("date runs");
    String::from_utf8_lossy(&date.stdout).trim().to_owned()
}

#[tokio::test]
async fn an_endpoint_that_there_is_already_is_heard_with_its_secret() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let secret = format!("whsec_{}", STANDARD.encode([3; 32]));
    let secrets = shell.file("secrets", &format!("whsec_{}\n{secret}\n", STANDARD.encode([9; 32])));
    let going = shell.start(&["listen", "--secret-file", &secrets, "--count", "1"]);
    going.until("it listens", |it| it.err().contains("listening on")).await;
    let own = shell.file("own", &secret);
    let url = format!("{}/hook", address(&going));
    shell
        .run(&["webhook", "add", "shop", &url, "--secret-file", &own, "--event", "instance.linked"])
        .await
        .expect(0);
    steps::link(&client, "shop").await;
    let heard = going.ended().await.expect(0);
    assert!(heard.contains("  instance.linked  shop  state=linked"), "{heard}");

    let by_variable = shell.with("BERTHCTL_WEBHOOK_SECRET", &secret);
    let going = by_variable.start(&["listen", "--count", "1"]);
    going.until("it listens", |it| it.err().contains("listening on")).await;
    let url = format!("{}/other", address(&going));
    by_variable.run(&["webhook", "add", "shop", &url, "--secret-file", &own]).await.expect(0);
    client.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    assert!(going.ended().await.expect(0).contains("instance.logged_out  shop"));
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_said_before_anything_is_added() {
    let berth = Berth::embedded().setting("BERTH_WEBHOOK_ALLOW", "").start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let refused = shell.run(&["listen", "shop"]).await.refused(64);
    assert!(refused.contains("--webhook-allow 127.0.0.0/8"), "{refused}");
    let file = shell.file("secret", "hello");
    assert!(shell.run(&["listen", "--secret-file", &file]).await.refused(64).contains("no signing secret"));
    assert!(!shell.run(&["listen", "--secret-file", &file]).await.refused(64).contains("hello"));
    shell.run(&["listen"]).await.refused(64);
}
