//! QR codes as pictures, drawn beside the threads that serve requests.

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_notices::{
    drawing::drawn,
    qr_code::{Correction, QUIET_MODULES, QrCode, Shape},
};
use thiserror::Error;

/// How our own pictures look.
const SHAPE: Shape = Shape { margin_modules: QUIET_MODULES, module_pixels: 8, dark: [0; 3] };

/// The text is too long for a QR code, or the process is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text does not fit into a QR code")]
pub struct TooLong;

/// The text as a black and white PNG.
pub async fn png(text: &str) -> Result<Vec<u8>, TooLong> {
    let text = text.to_owned();
    drawn(move || code(&text)?.png(SHAPE).map_err(|_| TooLong)).await.ok_or(TooLong)?
}

/// The text as standard base64 of a PNG.
pub async fn png_base64(text: &str) -> Result<String, TooLong> {
    Ok(STANDARD.encode(png(text).await?))
}

/// The text as a data URL that an `<img>` shows.
pub async fn png_data_url(text: &str) -> Result<String, TooLong> {
    Ok(format!("data:image/png;base64,{}", png_base64(text).await?))
}

/// The text as SVG.
pub async fn svg(text: &str) -> Result<String, TooLong> {
    let text = text.to_owned();
    drawn(move || Ok(code(&text)?.svg())).await.ok_or(TooLong)?
}

fn code(text: &str) -> Result<QrCode, TooLong> {
    QrCode::of(text, Correction::M).map_err(|_| TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pictures_have_their_signatures() {
        let picture = png("https://wa.me/settings/linked_devices#a,b,c,d,1").await.unwrap();
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(svg("text").await.unwrap().contains("<svg"));
        assert!(png_data_url("text").await.unwrap().starts_with("data:image/png;base64,iVBOR"));
        assert_eq!(png(&"x".repeat(10_000)).await, Err(TooLong));
    }
}
