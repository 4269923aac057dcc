//! `POST /console/i/{i}/do/{action}`: the buttons that take no arguments.

use axum::{extract::Path, response::Response};
use berth_gateway::app::{Answer, Failure};
use berth_proto::{
    InstanceId,
    command::{Command, DisconnectV1, LogoutV1, ReconnectV1, RestartV1},
};

use crate::{
    form::Form,
    shell::see,
    visit::{Named, Visit},
};

/// Does what the button says, and shows the instance.
pub(crate) async fn submit(
    visit: Visit,
    named: Named,
    Path((_, action)): Path<(String, String)>,
    form: Form,
) -> Response {
    let (command, done): (Command, _) = match action.as_str() {
        "reconnect" => (ReconnectV1 {}.into(), "reconnected"),
        "restart" => (RestartV1 {}.into(), "restarted"),
        "disconnect" => (DisconnectV1 {}.into(), "disconnected"),
        "cancel" => (DisconnectV1 {}.into(), "cancelled"),
        "logout" => (LogoutV1 {}.into(), "logged-out"),
        _ => return visit.refuse(Failure::NotFound),
    };
    match decided(&visit, named.0, command, &form).await {
        Ok(answer) if answer.changed() => see(&format!("../../{}?done={done}", named.0)),
        Ok(_) => see(&format!("../../{}?done=unchanged", named.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Has a command decided for a form, if the reader may see the instance.
pub(crate) async fn decided(
    visit: &Visit,
    instance: InstanceId,
    command: Command,
    form: &Form,
) -> Result<Answer, Failure> {
    visit.app.records.read(&visit.principal, instance).await?;
    // Without a key: a button pressed twice finds done what it asks for.
    let call = visit.call("POST /console/i/{i}/do", "", &form.bytes);
    visit.app.commands.decide(&call, instance, command).await
}
