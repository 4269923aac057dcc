//! Style, script and icon: in the binary, so that nothing comes from elsewhere at run time.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Name, type and bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file. `htmx.js` is htmx 2.0.11 of npm as it is published there (Zero-Clause BSD).
const ASSETS: [Asset; 4] = [
    ("console.css", "text/css; charset=utf-8", include_bytes!("../static/console.css")),
    ("console.js", JAVASCRIPT, include_bytes!("../static/console.js")),
    ("htmx.js", JAVASCRIPT, include_bytes!("../static/htmx.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../static/icon.svg")),
];

/// A file, for as long as the browser likes: its address has its digest.
pub(crate) async fn handler(Path((_, name)): Path<(String, String)>) -> Response {
    let Some((_, kind, bytes)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, *bytes).into_response()
}

/// Tells these files from those of another release.
pub(crate) fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let mut digest = Sha256::new();
        for (.., bytes) in ASSETS {
            digest.update(bytes);
        }
        short(&digest.finalize())
    });
    &DIGEST
}

/// The beginning of a digest: enough to tell apart what there is of one thing.
pub(crate) fn short(digest: &[u8]) -> String {
    HEXLOWER.encode(digest.get(..8).unwrap_or(digest))
}
