//! `POST /v1/upstreams/{u}/heard/{i}`: where an upstream that Berth drives tells what happens to an instance on it.

use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use berth_upstreams::webhook::SECRET_HEADER;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, HeardAs, Unheard},
    http::{body, headers, metrics},
    native::{Code, Problem, call::PathOf, render::answer, words},
};

/// After how many seconds an upstream may say again what was too much.
const AGAIN_AFTER_SECONDS: u32 = 10;

/// What becomes of what was heard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({"heard": "relayed"})))]
pub(super) struct HeardBody {
    /// `hint`: the link is looked at; `relayed`: the endpoint of the instance is told it; `silenced`: nobody is told it.
    #[schema(value_type = words::Heard)]
    heard: &'static str,
}

/// Hears an upstream. Berth sets this route as the webhook of each instance that it drives, with a secret for that instance. What
/// is about messages is handed on to the instance's endpoint while a device is linked; what is about its link is a hint to look.
#[utoipa::path(
    post, operation_id = "hear_upstream", path = "/v1/upstreams/{u}/heard/{i}", tag = "upstreams", security(()),
    params(
        ("u" = String, Path, description = "Name of the upstream"),
        ("i" = String, Path, description = "Id of the instance"),
        ("X-Berth-Callback" = String, Header, description = "The secret that goes with the webhook")
    ),
    request_body(content = Object, description = "An event as the upstream sends it"),
    responses(
        (status = 200, body = HeardBody), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    PathOf((upstream, instance)): PathOf<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let heard = hear(&app, &upstream, &instance, request).await;
    metrics::heard(match &heard {
        Ok(HeardAs::Hint) => "hint",
        Ok(HeardAs::Relayed) => "relayed",
        Ok(HeardAs::Silenced) => "silenced",
        Err(Unheard::Secret | Unheard::Foreign | Unheard::Nonsense | Unheard::TooLarge) => "refused",
        Err(Unheard::TooMany | Unheard::Full) => "busy",
        Err(Unheard::Failed(_)) => "unavailable",
    });
    let heard = match heard? {
        HeardAs::Hint => "hint",
        HeardAs::Relayed => "relayed",
        HeardAs::Silenced => "silenced",
    };
    Ok(answer(StatusCode::OK, HeardBody { heard }, false))
}

async fn hear(app: &App, upstream: &str, instance: &str, request: Request<Body>) -> Result<HeardAs, Unheard> {
    let caller = app.hearing.admit(upstream, instance, headers::text(request.headers(), SECRET_HEADER))?;
    let body = body::read(request).await.map_err(|error| match error {
        body::BodyError::TooLarge => Unheard::TooLarge,
        body::BodyError::Broken => Unheard::Nonsense,
        body::BodyError::Busy => body::BodyError::busy().into(),
    })?;
    app.hearing.hear(caller, &body).await
}

impl From<Unheard> for Problem {
    fn from(unheard: Unheard) -> Self {
        let detail = format!("Not heard: {unheard}.");
        match unheard {
            Unheard::Secret => Self::new(Code::Unauthorized, detail),
            Unheard::Foreign => Self::new(Code::Forbidden, detail),
            Unheard::Nonsense => Self::invalid(detail),
            Unheard::TooLarge => Self::new(Code::BodyTooLarge, detail),
            Unheard::TooMany => Self::new(Code::RateLimited, detail).retry_after(AGAIN_AFTER_SECONDS),
            Unheard::Full => Self::new(Code::Unavailable, detail).retry_after(AGAIN_AFTER_SECONDS),
            Unheard::Failed(failure) => failure.into(),
        }
    }
}
