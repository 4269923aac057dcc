//! What anybody was shown of an instance is what its history says at that version, whoever showed it.

use berth_domain::instance::{connection_word, state_word};
use berth_proto::{
    CommitV2, InstanceId, StreamKey,
    commit::CarriedV1,
    instance::{InstanceStateV1, PermissionV1},
};
use serde_json::{Value, json};

use crate::{history::History, model::Model};

/// What is compared of an instance.
const PARTS: [&str; 5] = ["state", "connection", "webhooks", "session", "attempt"];

/// An instance as somebody was shown it: the value of each part.
pub(crate) type Shown = [Value; PARTS.len()];

/// What an answer shows.
pub(crate) fn of_answer(body: &Value) -> Shown {
    PARTS.map(|part| body[part].clone())
}

fn of_state(state: &InstanceStateV1) -> Shown {
    let webhooks = match state.permission {
        PermissionV1::Open => "open",
        PermissionV1::Silent => "silent",
        PermissionV1::QrOnly => "qr_only",
    };
    let (session, attempt) = (json!(state.session), json!(state.attempt));
    [json!(state_word(&state.phase)), json!(connection_word(&state.phase)), json!(webhooks), session, attempt]
}

/// P4: everything that was shown and is not so.
pub(crate) fn faults(model: &Model, history: &History) -> Vec<String> {
    let mut faults = Vec::new();
    for (instance, shown) in model.shown() {
        let Ok(id) = instance.parse::<InstanceId>() else { continue };
        let states = states(history.of(&StreamKey::instance(id)));
        for (version, shown) in shown {
            let at = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
            let is = at.and_then(|at| states.get(at));
            if is != Some(&shown) {
                faults.push(format!("P4: {instance} was shown at {version} as {shown:?}, and was {is:?}"));
            }
        }
    }
    faults
}

/// The state after each commit.
fn states(commits: &[CommitV2]) -> Vec<Shown> {
    let mut now = Shown::default();
    let after = |commit: &CommitV2| {
        if let CarriedV1::Full(record) = &commit.state
            && let Ok(state) = record.open::<InstanceStateV1>()
        {
            now = of_state(&state);
        }
        now.clone()
    };
    commits.iter().map(after).collect()
}
