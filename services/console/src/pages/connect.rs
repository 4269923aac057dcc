//! `POST /console/i/{i}/connect` begins to link a device, `…/simulate` plays the phone.

use std::time::Duration;

use axum::response::Response;
use berth_gateway::app::{Failure, Simulation, check_phone};
use berth_proto::frame::RejectionCodeV1;
use serde_json::{Map, Value, json};

use crate::{
    form::Form,
    shell::see,
    visit::{Named, Visit},
};

/// How long the page waits for the first code: without one it opens and shows it as soon as it is there.
const FIRST_CODE_WAIT: Duration = Duration::from_secs(3);

/// What the page lets the simulated phone play.
const PLAYS: [&str; 8] =
    ["scan", "enter_code", "logout_from_phone", "drop", "return", "ban", "replace", "logout_from_server"];

/// Begins an attempt, by a QR code or by a pairing code for a phone.
pub(crate) async fn submit(visit: Visit, named: Named, form: Form) -> Response {
    let phone = form.fields.given("phone").map(|phone| {
        phone.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')' | '.')).collect::<String>()
    });
    let by_code = form.fields.get("method") == "pairing_code";
    let phone = if by_code { Some(phone.unwrap_or_default()) } else { None };
    if let Some(Err(invalid)) = phone.as_deref().map(check_phone) {
        return visit.refuse(Failure::Invalid { field: "phone", problem: invalid.0 });
    }
    let call = visit.call("POST /console/i/{i}/connect", form.fields.get("key"), &form.bytes);
    let connected = async {
        visit.app.records.read(&visit.principal, named.0).await?;
        visit.app.codes.connect(&call, named.0, phone.as_deref(), FIRST_CODE_WAIT).await
    };
    match connected.await {
        Ok(_) => see(&format!("../{}", named.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Has the simulated phone or network do something.
pub(crate) async fn simulate(visit: Visit, named: Named, form: Form) -> Response {
    let action = form.fields.get("action");
    if !visit.app.settings().simulated_driver || !PLAYS.contains(&action) {
        return visit.refuse(Failure::Forbidden);
    }
    let mut request = Map::from_iter([("action".to_owned(), json!(action))]);
    for name in ["phone", "push_name"] {
        if let Some(value) = form.fields.given(name) {
            request.insert(name.to_owned(), json!(value));
        }
    }
    if action == "drop" {
        // So that there is something to look at: a connection that is lost until it is told to return.
        request.insert("returns".to_owned(), json!(false));
    }
    let played = async {
        visit.app.records.read(&visit.principal, named.0).await?;
        visit.app.simulator.play(named.0, &Value::Object(request)).await
    };
    match played.await {
        Ok(Simulation::Done) => see(&format!("../{}?done=played", named.0)),
        Ok(Simulation::Refused { .. }) => visit.refuse(Failure::Rejected(RejectionCodeV1::OutOfPlace)),
        Err(failure) => visit.refuse(failure),
    }
}
