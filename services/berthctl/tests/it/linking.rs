//! `instance connect`, `qr` and `simulate`.

use berth_journeys::{Berth, steps};

use crate::world::Shell;

/// Divides the lives of codes.
const TIMES: u32 = 20;

#[tokio::test]
async fn in_a_terminal_each_code_is_drawn_with_its_countdown_until_it_is_scanned() {
    let berth = Berth::embedded().time_scale(TIMES).start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let going = shell.start_in_terminal(90, "instance connect shop");
    going
        .until("the second code is drawn over the first", |it| {
            it.out().contains("Code 2: ") && it.out().contains("\x1b[38;5;16;48;5;231m")
        })
        .await;
    assert!(going.out().contains("s left") && going.out().contains("A\x1b[J"), "{}", going.out());
    let scan = ["simulate", "shop", "scan", "--phone", steps::PHONE, "--push-name", "Ana"];
    shell.run(&scan).await.expect(0);
    let done = going.ended().await;
    assert!(done.out.contains("Linked to Ana, +5511987654321;"), "{}", done.out);
    done.expect(0);
    let again = shell.run(&["instance", "connect", "shop"]).await.expect(0);
    assert!(again.starts_with("Linked to Ana"), "there is nothing to wait for: {again}");
}

#[tokio::test]
async fn in_a_pipe_a_code_is_drawn_without_colours_and_json_ends_at_once() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let drawn = shell.run(&["instance", "connect", "shop", "--no-wait"]).await.expect(0);
    assert!(drawn.contains('█') && !drawn.contains('\x1b'), "{drawn}");
    assert!(drawn.lines().last().unwrap().starts_with("Code 1, until 20"), "{drawn}");
    let joined = shell.json(&["instance", "connect", "shop"]).await;
    assert_eq!(
        (&joined["attempt"], &joined["state"]),
        (&1.into(), &"pairing".into()),
        "it joined the attempt"
    );

    let shown = shell.run(&["instance", "qr", "shop"]).await.expect(0);
    assert!(shown.contains('▀') && shown.contains("Code 1, until"), "{shown}");
    shell.run(&["instance", "qr", "shop", "--png", "code.png"]).await.expect(0);
    assert!(std::fs::read(shell.path("code.png")).unwrap().starts_with(b"\x89PNG"));
    let text = shell.json(&["instance", "qr", "shop"]).await;
    assert_eq!(text["text"], joined["qr"]["text"]);

    let narrow = shell.start_in_terminal(40, "instance qr shop").ended().await.expect(0);
    assert!(narrow.contains("and this terminal has 40 and 50") && !narrow.contains('█'), "{narrow}");
}

#[tokio::test]
async fn a_terminal_without_colours_is_sent_none() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    shell.run(&["instance", "connect", "shop", "--no-wait"]).await.expect(0);
    let coloured = shell.start_in_terminal(120, "instance qr shop").ended().await.expect(0);
    assert!(coloured.contains("\x1b["), "{coloured}");
    let flag = shell.start_in_terminal(120, "instance qr shop --color never").ended().await.expect(0);
    let mut plain = vec![("--color never", flag)];
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shell = Shell::of(&berth).with(name, value);
        plain.push((name, shell.start_in_terminal(120, "instance qr shop").ended().await.expect(0)));
    }
    for (why, shown) in plain {
        assert!(shown.contains('█') && !shown.contains('\x1b'), "{why}: {shown}");
    }
}

#[tokio::test]
async fn an_attempt_that_fails_is_told_with_its_reason() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let going = shell.start(&["instance", "connect", "shop", "--png", "code.png"]);
    going.until("the code is there", |it| it.out().contains("Code 1, until")).await;
    shell.run(&["simulate", "shop", "pair_error"]).await.expect(0);
    let failed = going.ended().await.refused(1);
    assert!(failed.contains("no device was linked: the attempt ended (pair_error)"), "{failed}");
    shell.run(&["instance", "qr", "shop"]).await.refused(66);
}

#[tokio::test]
async fn a_code_to_type_is_shown_and_waited_for() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let going = shell.start(&["instance", "connect", "shop", "--phone", steps::PHONE]);
    going.until("the code is there", |it| it.out().contains("Link with phone number, and type ")).await;
    shell.run(&["simulate", "shop", "enter_code", "--phone", steps::PHONE]).await.expect(0);
    assert!(going.ended().await.expect(0).contains("Linked to Simulated phone, +5511987654321;"));

    let ban = shell.run(&["simulate", "shop", "ban", "seconds=60"]).await.expect(0);
    assert!(
        ban.starts_with("Paused since the number is banned, until 20") || ban.starts_with("Linked"),
        "{ban}"
    );
    let waited =
        shell.run(&["instance", "watch", "shop", "--until", "paused", "--for", "30"]).await.expect(0);
    assert!(waited.contains("Paused since the number is banned, until 20"), "{waited}");
    let none = shell.run(&["simulate", "shop", "scan", "--phone", steps::PHONE]).await.refused(65);
    assert!(none.contains("(not_simulatable)"), "no code is shown: {none}");
    shell.run(&["simulate", "shop", "ban", "seconds"]).await.refused(64);
}
