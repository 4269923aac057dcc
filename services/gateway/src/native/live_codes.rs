//! How the native API shows the codes with which a device is linked.

use serde::Serialize;
use utoipa::ToSchema;

use super::{code::Code, problem::Problem, render::time};
use crate::{app::LiveCode, http::qr};

/// A QR code that can be scanned now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "text": "2@Tz7…,gr1…,mx4…", "png": "data:image/png;base64,iVBORw0KGgo…", "index": 1,
    "expires_at": "2026-11-30T12:00:20Z"
})))]
pub(super) struct QrBody {
    /// The text of the code: opaque. Whoever reads it can take over the pairing.
    text: String,
    /// The picture as a data URL.
    png: String,
    /// Its index in the attempt, from 1.
    index: u32,
    /// When it ends.
    expires_at: String,
}

impl QrBody {
    pub(super) async fn of(code: &LiveCode) -> Result<Self, Problem> {
        let png = qr::png_data_url(&code.text)
            .await
            .map_err(|_| Problem::new(Code::CodeTooLong, "The code does not fit into a picture."))?;
        Ok(Self { text: code.text.clone(), png, index: code.index, expires_at: time(code.expires_at) })
    }
}

/// A pairing code that can be typed now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PairingCodeBody {
    /// Eight characters.
    code: String,
    /// When it ends.
    expires_at: String,
}

impl PairingCodeBody {
    pub(super) fn of(code: &LiveCode) -> Self {
        Self { code: code.text.clone(), expires_at: time(code.expires_at) }
    }
}
