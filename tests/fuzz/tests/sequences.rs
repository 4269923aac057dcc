//! Sequences of documented operations by everybody who may ask, and by those who may not.

use std::time::Duration;

use berth_fuzz::{Asked, Caller, Operation, Tape, Target, Town, Verdict, Wire, answered};
use berth_journeys::ROOT_KEY;

const TARGET: Target = Target { name: "sequences", cases: 120, seconds: 35 };
/// Operations of a sequence at most.
const LENGTH_MAX: usize = 14;
/// How long an answer may take: as long as a client may ask to wait for.
const PATIENCE: Duration = Duration::from_secs(65);
/// How long one is waited for that may never end.
const LONG_PATIENCE: Duration = Duration::from_millis(150);
/// A token that nobody has.
const GUESS: &str = "guess-that-nobody-has-0002";
/// The account that nobody of a sequence is in.
const VICTIM: usize = 2;
/// Commits that a run makes at least.
const COMMITS_MIN: f64 = 20.0;
/// The commits of everything.
const APPENDS: &str = "berth_log_appends_total";

/// What may be done to a request and its caller on the way, and to the answer: the planted faults.
struct Meddle {
    /// Another token than the caller's.
    token: fn(&Town, &Caller) -> Option<String>,
    /// Another answer.
    answer: fn(&Asked, Wire) -> Wire,
}

const HONEST: Meddle = Meddle { token: |_, _| None, answer: |_, wire| wire };

#[tokio::test]
async fn fuzz_nobody_changes_what_is_not_theirs() {
    let mut town = Town::start().await;
    let operations = Operation::all(&town).await;
    let before = town.metric(APPENDS).await;
    TARGET.run(async |tape| case(tape, &mut town, &operations, &HONEST).await).await;
    let made = town.metric(APPENDS).await - before;
    println!("sequences: {made} commits");
    assert!(made >= COMMITS_MIN, "{made} commits: nearly every request was refused, and nothing is shown");
    town.is_sound().await.unwrap();
}

async fn case(tape: &mut Tape<'_>, town: &mut Town, operations: &[Operation], meddle: &Meddle) -> Verdict {
    town.revive().await;
    let only_strangers = tape.one_in(4);
    let before = [town.fingerprint(0).await, town.fingerprint(1).await, town.fingerprint(VICTIM).await];
    let appends = town.metric(APPENDS).await;
    let mut acted = [false; 2];
    let mut told = Vec::new();
    for _ in 0..=tape.below(LENGTH_MAX) {
        let operation = tape.pick(operations);
        let caller = caller(tape, town, only_strangers);
        // The operator may do anything to accounts, so it is not let near the one that must stay as it is, and
        // closes or moves none.
        let destroys = operation.method == "DELETE"
            || operation.path.contains("token")
            || operation.path.contains("move");
        if caller.is_root && destroys {
            continue;
        }
        let about: &[usize] = if caller.is_root { &[0, 1] } else { &[0, 1, VICTIM] };
        let asked = operation.asked(tape, town, &caller, about);
        acted
            .iter_mut()
            .enumerate()
            .for_each(|(house, acts)| *acts |= caller.is_root || caller.house == Some(house));
        let wire = send(town, operation, &caller, asked.clone(), meddle).await?;
        told.push(format!("{} {} by {:?}: {:?}", asked.method, asked.target, caller.house, wire.status));
    }
    for (house, before) in before.iter().enumerate() {
        // An account that acted changes as it likes, and may go on linking a device in the next sequence.
        let after = town.fingerprint(house).await;
        let untouched = house == VICTIM || !acted[house];
        if untouched && *before != after && stands_still(before) {
            return Err(format!("account {house} was touched:\n{}\n{before}\n{after}", told.join("\n")));
        }
    }
    let quiet = before.iter().all(stands_still);
    let grown = town.metric(APPENDS).await - appends;
    if only_strangers && quiet && grown > 0.0 {
        return Err(format!("{grown} commits were made by refused requests:\n{}", told.join("\n")));
    }
    town.is_sound().await
}

async fn send(
    town: &mut Town,
    operation: &Operation,
    caller: &Caller,
    mut asked: Asked,
    meddle: &Meddle,
) -> Result<Wire, String> {
    if let (Some(other), Some(own)) = ((meddle.token)(town, caller), &caller.token) {
        asked.target = asked.target.replace(own, &other);
        asked.headers.iter_mut().for_each(|(_, value)| *value = value.replace(own, &other));
    }
    let patience = if operation.is_long() { LONG_PATIENCE } else { PATIENCE };
    let (address, from) = (town.address, town.from());
    let wire = answered(&asked, (address, from), patience, GUESS, meddle.answer).await?;
    let Some(status) = wire.status.filter(|_| wire.ended || operation.is_long()) else {
        if operation.is_long() {
            return Ok(wire);
        }
        return Err(format!("no answer in time: {} {}", asked.method, asked.target));
    };
    let documented = operation.statuses.contains(&status);
    // A segment may be a word of another route, or none at all.
    if !documented && ![404, 405].contains(&status) {
        return Err(format!(
            "a status that is not documented: {} {}\n{}",
            asked.method,
            asked.target,
            wire.shown()
        ));
    }
    let victims = [&town.houses[VICTIM].residents[0].token, &town.houses[VICTIM].residents[1].token];
    if !caller.is_root && [ROOT_KEY, victims[0], victims[1]].iter().any(|secret| wire.says(secret)) {
        return Err(format!("a foreign secret is told: {} {}\n{}", asked.method, asked.target, wire.shown()));
    }
    Ok(wire)
}

/// Whether nothing of an account happens by itself: no attempt runs.
fn stands_still(fingerprint: &impl ToString) -> bool {
    let text = fingerprint.to_string();
    !["\"connecting\"", "\"pairing\"", "\"pending\"", "\"opening\"", "\"lost\""]
        .iter()
        .any(|word| text.contains(word))
}

fn caller(tape: &mut Tape<'_>, town: &Town, only_strangers: bool) -> Caller {
    let kind = if only_strangers { tape.below(3) } else { tape.below(10) };
    let (token, house) = match kind {
        0 => (None, None),
        1 => (Some(GUESS.to_owned()), None),
        2 => (Some(tape.pick(&town.rotated).clone()), None),
        3 => return Caller { token: Some(ROOT_KEY.to_owned()), house: None, is_root: true },
        _ => {
            let at = tape.below(VICTIM);
            let house = &town.houses[at];
            let token = if tape.one_in(2) { &tape.pick(&house.residents).token } else { &house.token };
            (Some(token.clone()), Some(at))
        }
    };
    Caller { token, house, is_root: false }
}

// === planted faults ===

async fn finds(meddle: Meddle) -> String {
    let mut town = Town::start().await;
    let operations = Operation::all(&town).await;
    let target = Target { name: "sequences-planted", ..TARGET };
    let found = target.hunt(async |tape| case(tape, &mut town, &operations, &meddle).await).await;
    found.expect("the fault is found").fault
}

#[tokio::test]
async fn a_rotated_token_that_opens_another_account_is_found() {
    let token = |town: &Town, caller: &Caller| {
        let rotated = caller.token.as_ref().is_some_and(|token| town.rotated.contains(token));
        rotated.then(|| town.houses[VICTIM].token.clone())
    };
    let fault = finds(Meddle { token, ..HONEST }).await;
    assert!(
        fault.contains("was touched") || fault.contains("secret is told") || fault.contains("commits"),
        "{fault}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_documented_is_found() {
    let answer = |_: &Asked, mut wire: Wire| {
        if wire.status == Some(401) {
            wire.status = Some(418);
        }
        wire
    };
    let fault = finds(Meddle { answer, ..HONEST }).await;
    assert!(fault.contains("is not documented"), "{fault}");
}

#[tokio::test]
async fn a_command_that_stays_unavailable_under_its_key_is_found() {
    let answer = |asked: &Asked, mut wire: Wire| {
        if asked.headers.iter().any(|(name, _)| name == "idempotency-key") {
            wire.status = Some(503);
            wire.bytes = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\n\r\n".to_vec();
        }
        wire
    };
    let fault = finds(Meddle { answer, ..HONEST }).await;
    assert!(fault.contains("unavailable for good"), "{fault}");
}
