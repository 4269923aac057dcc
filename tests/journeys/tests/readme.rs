//! Every command of the README, as it stands there, and what it prints.
//!
//! The page is turned into one script for bash. Ports are replaced by free ones, `cargo` by a word that has the binary
//! already, and the token that the first start shows is filled in. What a command prints is compared with the page after
//! ids, numbers, tokens, hashes and times are masked in both.

#![expect(clippy::expect_used, reason = "helpers of tests may panic")]

use std::{fmt::Write as _, path::Path, process::Stdio};

use berth_journeys::{DEADLINE, binary};
use berth_test_support::program;

const README: &str = include_str!("../../../README.md");
/// The ports that the page names.
const PORTS: [u16; 6] = [8480, 8481, 8482, 8483, 8484, 4222];
/// Stands before the number of a command in what the script prints.
const MARK: &str = "@@ command ";

/// A command of the page and the lines that it shall print.
#[derive(Debug)]
struct Shown {
    command: String,
    output: Vec<String>,
}

/// What a block of the page is.
#[derive(Debug)]
enum Block {
    /// Lines that are typed one after the other.
    Typed(String),
    /// Commands with what they print.
    Shown(Vec<Shown>),
}

/// The blocks for a shell below a heading.
fn blocks(text: &str, heading: &str) -> Vec<Block> {
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let section = below.split("\n## ").next().unwrap_or_default();
    let fenced = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    fenced
        .map(|block| if block.starts_with("$ ") { shown(block) } else { Block::Typed(block.to_owned()) })
        .collect()
}

fn shown(block: &str) -> Block {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push(Shown { command: command.to_owned(), output: Vec::new() }),
            (None, Some(last)) => last.output.push(line.to_owned()),
            (None, None) => panic!("output before the first command: {line}"),
        }
    }
    Block::Shown(commands)
}

/// One script of all blocks, and what is expected of each numbered command.
fn script(blocks: Vec<Block>) -> (String, Vec<Shown>) {
    let (mut script, mut expected) = (String::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Typed(lines) => script.push_str(&lines),
            Block::Shown(commands) => {
                for shown in commands {
                    let number = expected.len();
                    let _infallible = writeln!(script, "echo; echo '{MARK}{number}'\n{}", shown.command);
                    expected.push(shown);
                }
            }
        }
    }
    (script, expected)
}

/// Runs a script in a folder and gives what it printed. Everything that it started ends with it.
fn run(folder: &Path, script: &str) -> String {
    let ends = "trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n";
    // What the shell of whoever runs the tests has set is no part of the page.
    let output = program("timeout")
        .args([&format!("{}s", DEADLINE.as_secs() * 4), "bash", "-eu", "-o", "pipefail", "-c"])
        .arg(format!("{ends}{script}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("bash and timeout are there");
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}:\n{script}\n{said}\n{told}", output.status);
    said
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

fn compare(said: &str, expected: &[Shown]) {
    for (number, shown) in expected.iter().enumerate() {
        let (_, rest) = said.split_once(&format!("{MARK}{number}\n")).expect("every command ran");
        let printed = rest.split(&format!("\n{MARK}")).next().unwrap_or_default().trim_end();
        let page = shown.output.join("\n");
        assert_eq!(masked(printed), masked(&page), "`{}` does not print what the README says", shown.command);
    }
}

/// The text with everything that differs from run to run replaced.
fn masked(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '+');
    let mut masked = String::new();
    for part in text.split_inclusive(|c| !word(c)) {
        let end = part.find(|c| !word(c)).unwrap_or(part.len());
        let (found, separator) = part.split_at(end);
        masked.push_str(mask(found).unwrap_or(found));
        masked.push_str(separator);
    }
    masked
}

/// What stands for a word that is made anew each time.
fn mask(word: &str) -> Option<&'static str> {
    let all = |test: fn(char) -> bool| word.chars().all(test);
    let base32 = |c: char| c.is_ascii_digit() || ('a'..='v').contains(&c);
    Some(match word.len() {
        26 if all(base32) => "<id>",
        52 if all(base32) => "<token>",
        64 if all(|c| c.is_ascii_hexdigit()) => "<hash>",
        10 if all(|c| c.is_ascii_digit()) => "<number>",
        _ if word.starts_with("berth_account_") || word.starts_with("berth_root_") => "<token>",
        10 if is_like(word, "0000-00-00") => "<date>",
        8 if is_like(word, "00:00:00") => "<time>",
        20.. if word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T') => "<time>",
        _ => return None,
    })
}

/// Whether it has digits where the pattern has them, and else the same characters.
fn is_like(word: &str, pattern: &str) -> bool {
    word.bytes().zip(pattern.bytes()).all(|(it, like)| it == like || like == b'0' && it.is_ascii_digit())
}

/// The page with ports that are free.
fn page() -> String {
    PORTS.iter().fold(README.to_owned(), |page, port| {
        // Five digits, so that none of the ports that are still to be replaced stands in it as a whole.
        let free = std::iter::repeat_with(berth_test_support::free_port).find(|free| *free >= 10_000);
        page.replace(&format!(":{port}"), &format!(":{}", free.unwrap_or_default()))
            .replace(&format!("--port {port}"), &format!("--port {}", free.unwrap_or_default()))
    })
}

/// Words of the page that are something else here: `cargo` has built everything, and every program is found.
fn words(page: &str) -> String {
    let berth = binary();
    let folder = berth.parent().expect("a folder").display();
    let server = berth_test_support::nats_server();
    let address = page.split("berth serve listens on http://").nth(1).and_then(|rest| rest.lines().next());
    format!(
        "export BERTH_HTTP={address} TERM=dumb SHELL=$(command -v bash)\n\
         export PATH={folder}:$PATH\n\
         mkdir bin && ln -s {server} bin/nats-server && PATH=$PWD/bin:$PATH\n\
         cargo() {{ [ \"$1\" = build ] || {{ shift 3; berth \"$@\"; }}; }}\n",
        address = address.unwrap_or("127.0.0.1:0"),
        server = server.display(),
    )
}

#[test]
fn the_journey_of_the_readme_the_five_logouts_and_the_client_work_as_they_stand() {
    let page = page();
    let folder = tempfile::tempdir().unwrap();
    let mut all = blocks(&page, "A journey");
    all.extend(blocks(&page, "The same logout, as five gateways' clients send it"));
    all.extend(blocks(&page, "From the shell"));
    let (journey, expected) = script(all);
    assert!(expected.len() > 12, "{expected:?}");
    // A terminal, so that the first start shows the token.
    let start = "export -f cargo\n\
         script -qec 'cargo run --release -- serve' /dev/null < /dev/null > first-start.txt &\n\
         until grep -q 'listens on' first-start.txt; do sleep 0.1; done\n\
         sed 's/\\x1b\\[[0-9;]*m//g' first-start.txt\n";
    assert!(page.contains("\ncargo run --release -- serve "), "the first of the two commands");
    let token = "$(grep -o 'berth_account_[a-z0-9]*' first-start.txt | head -n 1)";
    let journey = journey.replace("berth_account_…", token);
    let said = run(folder.path(), &format!("{}{start}{journey}", words(&page)));
    compare(&said, &expected);
    let said = masked(&said);
    let welcome =
        page.split("```\n").find(|block| block.starts_with("Welcome aboard")).expect("the first start");
    for line in welcome.lines() {
        assert!(said.contains(&masked(line)), "the first start does not print `{line}`:\n{said}");
    }
}

#[test]
fn the_deployment_of_the_readme_on_nats_works_as_it_stands() {
    let page = page();
    let folder = tempfile::tempdir().unwrap();
    let (journey, expected) = script(blocks(&page, "On NATS"));
    assert!(!expected.is_empty());
    let words = words(&page).replace("export BERTH_HTTP", "export -n BERTH_HTTP");
    let said = run(folder.path(), &format!("{words}{journey}"));
    compare(&said, &expected);
}

/// What somebody runs already: a second Berth, whose Evolution dialect answers as theirs does, with a linked instance. Its global key
/// is the account's token.
fn gateway_of_theirs() -> String {
    format!(
        "GATEWAY=http://127.0.0.1:{port}; KEY=global-key-of-evolution; mkdir there\n\
         (cd there; BERTH_HTTP=127.0.0.1:{port} BERTH_ACCOUNT_TOKEN=$KEY exec berth serve > serve.txt 2>&1) &\n\
         until curl -sf $GATEWAY/readyz > /dev/null; do sleep 0.1; done\n\
         asked() {{ curl -sf $GATEWAY/v1/instances$1 -H \"Authorization: Bearer $KEY\" -d \"$2\" > /dev/null; }}\n\
         asked '' '{{\"name\":\"shop\"}}'; asked /shop/connect '{{}}'\n\
         asked /shop/simulate '{{\"action\":\"scan\",\"phone\":\"5511987654321\",\"push_name\":\"Ana\"}}'\n\
         echo $KEY > evolution.key\n",
        port = berth_test_support::free_port(),
    )
}

/// Starts it beside what follows, and waits until this is so.
fn started(until: &str) -> String {
    format!(
        "\nROOT=root-key-of-the-readme TOKEN=token-of-the-readme BERTH=http://$BERTH_HTTP\n\
         BERTH_ROOT_KEY=$ROOT BERTH_ACCOUNT_TOKEN=$TOKEN berth serve > serve.txt 2>&1 &\n\
         SERVES=$!\n\
         until curl -sf $BERTH/readyz > /dev/null; do sleep 0.1; done\n\
         ACCOUNT=$(curl -s $BERTH/v1/whoami -H \"Authorization: Bearer $TOKEN\" | jq -r .account.id)\n\
         until {until} > /dev/null; do sleep 0.1; done\n"
    )
}

#[test]
fn the_watch_over_an_evolution_api_and_the_way_before_it_work_as_they_stand() {
    let page = page();
    let folder = tempfile::tempdir().unwrap();
    let section = |heading| {
        let (typed, _) = script(blocks(&page, heading));
        let (before, after) = typed.split_once("\nberth serve\n").expect("the page starts it");
        (before.to_owned(), after.to_owned())
    };
    let (watch, adopt) = section("Watch your Evolution API in two minutes");
    let (drive, use_it) = section("Before your Evolution API in ten");
    // Looked at once the gateway was asked for the first time.
    let is_asked = started(
        "curl -s $BERTH/v1/upstreams -H \"Authorization: Bearer $ROOT\" | jq -e '.upstreams[0].healthy'",
    );
    let is_open = started(
        "curl -s $BERTH/v1/instances/shop -H \"Authorization: Bearer $TOKEN\" | jq -e '.connection == \"open\"'",
    );
    let there = gateway_of_theirs();
    let stopped = "kill $SERVES; wait $SERVES || true\n";
    let counted = "curl -s $BERTH/metrics | grep '^berth_gateway_passes_total'\n";
    let typed = format!("{there}{watch}{is_asked}{adopt}{stopped}{drive}{is_open}{use_it}{counted}");
    let said = run(folder.path(), &format!("{}{typed}", words(&page)));
    assert!(said.contains(r#"{"name":"evo1","healthy":true,"version":"2.3.7","trouble":null}"#), "{said}");
    assert!(said.contains(r#""name":"shop""#) && said.contains(r#""outcome":"adopted""#), "{said}");
    // The gateway of theirs has no messages of its own, and says so when it is asked.
    let passed = said.split(r#""message":"Instance logged out""#).collect::<Vec<_>>();
    assert_eq!(passed.len(), 2, "{said}");
    assert!(passed[0].contains("Cannot POST /message/"), "{said}");
    assert!(passed[1].contains(r#"The \"shop\" instance is not connected"#), "{said}");
    for outcome in ["4xx", "refused"] {
        let counted = format!("berth_gateway_passes_total{{outcome=\"{outcome}\"}} 1");
        assert!(passed[1].contains(&counted), "{counted}: {said}");
    }
}
