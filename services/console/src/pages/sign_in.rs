//! `/console/sign-in` and `/console/sign-out`.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::Response,
};

use crate::{
    Console,
    form::{Form, QueryFields},
    guard::is_in_clear,
    refusal::Refusal,
    session::{Ticket, ended},
    shell::{Shell, inside, rendered, see},
    visit::Place,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    shell: Shell,
    next: String,
    /// Whether the browser would not keep the session: the connection is not secure.
    in_clear: bool,
}

/// Asks for a token.
pub(crate) async fn page(place: Place, query: QueryFields) -> Response {
    let next = inside(query.0.get("next")).unwrap_or_default().to_owned();
    let in_clear = is_in_clear(place.transport, &place.headers);
    rendered(StatusCode::OK, &Page { shell: Shell::bare(&place).saying(&query.0), next, in_clear })
}

/// Signs in whoever shows a token that somebody has. A wrong one counts as a guess of its address.
pub(crate) async fn submit(State(console): State<Console>, place: Place, form: Form) -> Response {
    let next = inside(form.fields.get("next")).unwrap_or_default().to_owned();
    let token = form.fields.get("token");
    match console.app.principals.authenticate(token, place.client.address).await {
        Ok(principal) => {
            let signed_in = console.app.principals.signed_in(&principal);
            let ticket = Ticket::new(signed_in, console.app.now());
            let mut answer = see(&format!("./{next}"));
            if let Some(cookie) = console.seal.cookie(ticket, place.transport) {
                answer.headers_mut().insert(SET_COOKIE, cookie);
            }
            answer
        }
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let text = match refusal.status() {
                StatusCode::UNAUTHORIZED => place.texts.s("sign-in-wrong"),
                _ => refusal.text(place.texts),
            };
            let shell = Shell::bare(&place).with_problem(Some(text));
            let in_clear = is_in_clear(place.transport, &place.headers);
            rendered(refusal.status(), &Page { shell, next, in_clear })
        }
    }
}

/// Forgets the session in this browser.
pub(crate) async fn sign_out(place: Place) -> Response {
    let mut answer = see("sign-in?done=signed-out");
    if let Some(cookie) = ended(place.transport) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}
