//! Requests that are nearly right, as bytes at the listener, by strangers and by clients of one account about another.

use std::time::Duration;

use berth_fuzz::{Asked, Caller, Operation, Tape, Target, Town, Verdict, Wire, answered};
use berth_journeys::ROOT_KEY;

const TARGET: Target = Target { name: "doors", cases: 250, seconds: 35 };
/// Requests of a case at most.
const REQUESTS_MAX: usize = 8;
/// How long an answer is waited for: a request whose body does not come has none.
const PATIENCE: Duration = Duration::from_millis(700);
/// A token that nobody has.
const GUESS: &str = "guess-that-nobody-has-0001";
/// The account that nobody of a case is in.
const VICTIM: usize = 2;

/// What may be done to an answer before it is judged: the planted faults.
type Meddle = fn(&Asked, Wire) -> Wire;

#[tokio::test]
async fn fuzz_no_request_fails_us_or_touches_what_is_not_its_own() {
    let mut town = Town::start().await;
    let operations = Operation::all(&town).await;
    TARGET.run(async |tape| case(tape, &mut town, &operations, |_, wire| wire).await).await;
    town.is_sound().await.unwrap();
}

async fn case(tape: &mut Tape<'_>, town: &mut Town, operations: &[Operation], meddle: Meddle) -> Verdict {
    town.revive().await;
    let before = town.fingerprint(VICTIM).await;
    for _ in 0..=tape.below(REQUESTS_MAX) {
        let operation = tape.pick(operations);
        let caller = caller(tape, town);
        let mut asked = operation.asked(tape, town, &caller, &[0, VICTIM]);
        for _ in 0..tape.below(4) {
            asked.spoil(tape);
        }
        let (address, from) = (town.address, town.from());
        let wire = answered(&asked, (address, from), PATIENCE, GUESS, meddle).await?;
        for secret in [ROOT_KEY, &town.houses[VICTIM].token] {
            if wire.says(secret) {
                return Err(format!(
                    "a foreign secret is told: {} {}\n{}",
                    asked.method,
                    asked.target,
                    wire.shown()
                ));
            }
        }
    }
    let after = town.fingerprint(VICTIM).await;
    if before != after {
        return Err(format!("another account was touched:\n{before}\n{after}"));
    }
    town.is_sound().await
}

/// A stranger, somebody whose token was changed, or a client of the first account.
fn caller(tape: &mut Tape<'_>, town: &Town) -> Caller {
    let mine = &town.houses[0];
    let token = match tape.below(6) {
        0 => None,
        1 => Some(GUESS.to_owned()),
        2 => Some(tape.pick(&town.rotated).clone()),
        3 => Some(tape.pick(&mine.residents).token.clone()),
        _ => Some(mine.token.clone()),
    };
    Caller { token, house: None, is_root: false }
}

// === planted faults ===

async fn finds(meddle: Meddle) -> String {
    let mut town = Town::start().await;
    let operations = Operation::all(&town).await;
    let target = Target { name: "doors-planted", ..TARGET };
    let found = target.hunt(async |tape| case(tape, &mut town, &operations, meddle).await).await;
    found.expect("the fault is found").fault
}

#[tokio::test]
async fn a_door_that_repeats_a_token_is_found() {
    let fault = finds(|asked, mut wire| {
        // As some products do: the error shows the request.
        if wire.status == Some(401) {
            let told = asked.headers.iter().map(|(name, value)| format!("{name}: {value}"));
            wire.bytes.extend(told.collect::<Vec<_>>().join("\n").into_bytes());
        }
        wire
    })
    .await;
    assert!(fault.contains("is repeated"), "{fault}");
}

#[tokio::test]
async fn a_door_that_fails_on_deep_json_is_found() {
    let fault = finds(|asked, mut wire| {
        if asked.body.starts_with(b"[[[[") {
            wire.status = Some(500);
        }
        wire
    })
    .await;
    assert!(fault.contains("a failure of ours"), "{fault}");
}

#[tokio::test]
async fn a_door_that_is_unavailable_for_good_is_found() {
    let fault = finds(|_, mut wire| {
        if wire.status == Some(404) {
            wire.status = Some(503);
            wire.bytes = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\n\r\n".to_vec();
        }
        wire
    })
    .await;
    assert!(fault.contains("unavailable for good"), "{fault}");
}
