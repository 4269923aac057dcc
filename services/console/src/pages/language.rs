//! `POST /console/language`: the reader chooses.

use axum::{
    http::{HeaderValue, header::SET_COOKIE},
    response::Response,
};

use crate::{
    form::Form,
    shell::{inside, see},
    texts::{COOKIE, Language},
};

pub(crate) async fn choose(form: Form) -> Response {
    let back = inside(form.fields.get("back")).unwrap_or_default();
    let mut answer = see(&format!("./{back}"));
    if let Some(language) = Language::of_tag(form.fields.get("language")) {
        let cookie = format!("{COOKIE}={}; Path=/; SameSite=Lax; Max-Age=31536000", language.tag());
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            answer.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
    answer
}
