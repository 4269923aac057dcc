//! What goes wrong: mistakes of the person, servers that are away or are none, readers that are gone.

use berth_journeys::Berth;
use serde_json::json;

use crate::world::{Fake, Shell, http};

#[tokio::test]
async fn mistakes_are_told_with_what_to_do_and_a_code_that_says_whose_they_are() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    let unknown = shell.run(&["instance", "get", "nobody"]).await.refused(66);
    assert!(unknown.contains("(not_found)") && unknown.contains("berthctl instance ls"), "{unknown}");
    let malformed = "06gvptn6stt118p4mhs3rj6ad!";
    shell.run(&["instance", "get", malformed]).await.refused(66);
    shell.run(&["instance", "get", "shop\n"]).await.refused(66);
    for name in ["", ".", ".."] {
        shell.run(&["instance", "rm", "-y", name]).await.refused(64);
    }
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    assert!(shell.run(&["instance", "create", "shop"]).await.refused(65).contains("(name_taken)"));
    let again = shell.run(&["instance", "reconnect", "shop"]).await.refused(65);
    assert!(again.contains("(no_session)") && again.contains("berthctl instance connect"), "{again}");
    shell.run(&["instance", "get", "shop", "--at", "yesterday"]).await.refused(64);
    shell.run(&["instance", "create", "x", "--settings", "[]"]).await.refused(64);
    shell.run(&["instance", "get", "shop", "--url", "berth.example.com"]).await.refused(64);
    shell.run(&["instance", "afloat"]).await.refused(64);
    shell.run(&[]).await.refused(64);
    let wrong = shell.with("BERTHCTL_TOKEN", "wrong-token-of-nobody");
    let refused = wrong.run(&["instance", "ls"]).await.refused(77);
    assert!(refused.contains("(unauthorized)") && !refused.contains("wrong-token"), "{refused}");
    let torn = wrong.with("BERTHCTL_TOKEN", "two words");
    assert!(!torn.run(&["instance", "ls"]).await.refused(64).contains("two words"));
}

#[tokio::test]
async fn a_key_that_was_answered_does_nothing_twice() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    let create = ["instance", "create", "shop", "--key", "k-1", "-o", "name"];
    shell.run(&create).await.expect(0);
    let again = shell.run(&create).await;
    assert!(again.err.contains("this key was answered before"), "{again:?}");
    assert_eq!(again.expect(0), "shop\n");
    assert_eq!(shell.run(&["instance", "ls", "-o", "name"]).await.expect(0), "shop\n");
    let other = ["instance", "create", "bar", "--key", "k-1"];
    assert!(shell.run(&other).await.refused(65).contains("(idempotency_key_reused)"));
}

/// The header of a request.
fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_sent_again_under_its_key() {
    let problem = json!({"code": "unavailable", "detail": "A part is away."}).to_string();
    let away = http("503 Service Unavailable", "retry-after: 0\r\n", &problem);
    let made = http("201 Created", "", r#"{"name":"shop","state":"created"}"#);
    let fake =
        Fake::start(&[None, Some(&away), Some(&http("502 Bad Gateway", "", "nginx")), Some(&made)]).await;
    let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    let done = shell.run(&["instance", "create", "shop", "-o", "name"]).await;
    assert!(done.err.contains("trying again for up to"), "{done:?}");
    assert_eq!(done.expect(0), "shop\n");
    let asked = fake.asked();
    let keys: Vec<_> = asked.iter().map(|request| header(request, "idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0] && key.len() == 26), "{keys:?}");
}

#[tokio::test]
async fn what_may_have_been_done_is_said_with_the_key_to_ask_again() {
    let fake = Fake::start(&[None]).await;
    let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    let lost = shell.run(&["instance", "logout", "shop", "--retry-for", "0"]).await.refused(69);
    let asked = fake.asked();
    let key = header(&asked[0], "idempotency-key").unwrap();
    assert!(lost.contains(&format!("--key {key}")), "{lost}");
    // What takes no key is not sent twice.
    let fake = Fake::start(&[None, None]).await;
    let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    shell.run(&["simulate", "shop", "scan"]).await.refused(69);
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn servers_that_are_away_busy_or_something_else_have_codes_of_their_own() {
    let port = berth_test_support::free_port();
    let shell = Shell::at(&format!("http://127.0.0.1:{port}")).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    let away = shell.run(&["instance", "ls", "--retry-for", "0"]).await.refused(69);
    assert!(away.contains("Connection refused") && away.contains("Does Berth run there?"), "{away}");
    shell.run(&["events", "shop", "-f", "--retry-for", "0"]).await.refused(69);
    shell.run(&["check", "--retry-for", "0"]).await.refused(69);

    let page = http("200 OK", "content-type: text/html\r\n", "<html>Welcome to nginx</html>");
    let problem = json!({"code": "rate_limited", "detail": "Too many requests."}).to_string();
    let busy = http("429 Too Many Requests", "retry-after: 3600\r\n", &problem);
    let moved = http("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    let damaged = r#"{"ok":false,"commits":3,"hash":"00","fault":{"version":4,"reason":"it cannot be read","advice":"Look."}}"#;
    let damaged = http("200 OK", "", damaged);
    let unready = r#"{"ready":false,"checks":{"log":{"ready":false,"detail":"halted"},"keys":{"ready":true,"detail":"there"}}}"#;
    let unready = http("503 Service Unavailable", "", unready);
    for (answer, arguments, code, said) in [
        (&page, &["instance", "ls"][..], 76, "not as Berth does"),
        (&page, &["events", "shop", "-f"], 76, "no event stream"),
        (&moved, &["instance", "ls"], 76, "status 302"),
        (&busy, &["instance", "ls"], 75, "Try again in 3600 s."),
        (&damaged, &["verify", "shop"], 1, "1 of 1 histories do not hold"),
        (&unready, &["status"], 1, "is not ready"),
        (&unready, &["check"], 1, "log: halted"),
    ] {
        let fake = Fake::start(&[Some(answer)]).await;
        let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
        let told = shell.run(arguments).await.refused(code);
        assert!(told.contains(said), "{arguments:?}: {told}");
        assert_eq!(fake.asked().len(), 1, "it is asked once");
    }
}

#[tokio::test]
async fn a_reader_that_is_gone_is_no_error() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let closed = shell.bash("set -o pipefail; berthctl events shop -f | head -n 1 & wait %1").await;
    assert!(closed.out.contains("InstanceCreated"), "{closed:?}");
    let closed = shell.bash("berthctl instance ls >&-; echo $?").await;
    assert!(matches!(closed.out.trim(), "0" | "74"), "{closed:?}");
    let piped = shell.bash("set -o pipefail; berthctl completions bash | head -n 1").await;
    assert!(piped.err.is_empty(), "{piped:?}");
    piped.expect(0);
}

#[tokio::test]
async fn names_cannot_play_with_the_terminal() {
    let answer =
        r#"{"instances":[{"name":"a\u001b]0;owned\u0007b","number":"1","state":"created"}],"lag_ms":0}"#;
    let fake = Fake::start(&[Some(&http("200 OK", "", answer))]).await;
    let shell = Shell::at(&fake.url).with("BERTHCTL_TOKEN", "a-token-of-a-shop");
    let table = shell.run(&["instance", "ls"]).await.expect(0);
    assert!(!table.contains('\x1b') && table.contains("a\u{FFFD}]0;owned\u{FFFD}b"), "{table:?}");
}
