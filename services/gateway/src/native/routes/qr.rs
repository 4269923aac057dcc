//! `GET /v1/instances/{i}/qr`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    http::{headers, qr},
    native::{
        ORDER,
        call::{Caller, Key},
        code::Code,
        live_codes::QrBody,
        problem::Problem,
        render::answer,
    },
};

/// Shows the live QR code as PNG, SVG or JSON, as `Accept` asks; PNG if it does not say.
#[utoipa::path(
    get, operation_id = "get_qr_code", path = "/v1/instances/{i}/qr", tag = "lifecycle",
    params(("i" = String, Path, description = "Id, name or number")),
    responses(
        (status = 200, content((QrBody = "application/json"), (Vec<u8> = "image/png"), (String = "image/svg+xml"))),
        (status = 406, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    request_headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = app.finder.find(&caller.principal, &key.0, &ORDER).await?;
    let code = app.codes.live_codes(&record).await?.qr.ok_or_else(|| {
        Problem::new(Code::NoLiveCode, "No QR code is shown at this moment: call connect to get one.")
    })?;
    let accept = headers::text(&request_headers, "accept").unwrap_or("image/png");
    let too_long = |_| Problem::new(Code::CodeTooLong, "The code does not fit into a picture.");
    let mut response = match wanted(accept) {
        Some(Form::Png) => {
            ([(header::CONTENT_TYPE, "image/png")], qr::png(&code.text).await.map_err(too_long)?)
                .into_response()
        }
        Some(Form::Svg) => {
            ([(header::CONTENT_TYPE, "image/svg+xml")], qr::svg(&code.text).await.map_err(too_long)?)
                .into_response()
        }
        Some(Form::Json) => answer(StatusCode::OK, QrBody::of(&code).await?, false),
        None => {
            return Err(Problem::new(
                Code::NotAcceptable,
                "Accept image/png, image/svg+xml or application/json.",
            ));
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

enum Form {
    Png,
    Svg,
    Json,
}

/// The first form that the `Accept` header names; the order is the client's.
fn wanted(accept: &str) -> Option<Form> {
    accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
        "image/svg+xml" => Some(Form::Svg),
        "application/json" => Some(Form::Json),
        "image/png" | "image/*" | "*/*" | "" => Some(Form::Png),
        _ => None,
    })
}
