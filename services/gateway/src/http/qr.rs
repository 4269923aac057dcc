//! QR codes as pictures, drawn beside the threads that serve requests.

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_notices::drawing::drawn;
use qrcode::{Color, EcLevel, QrCode};
use thiserror::Error;

/// Pixels of one module: as many as a byte has bits, see [`png()`].
const SCALE: usize = 8;
/// Modules of quiet zone around the code (ISO/IEC 18004 asks for four).
const QUIET: usize = 4;

/// The text is too long for a QR code, or the process is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text does not fit into a QR code")]
pub struct TooLong;

/// The text as a black and white PNG.
pub async fn png(text: &str) -> Result<Vec<u8>, TooLong> {
    let text = text.to_owned();
    drawn(move || draw_png(&text)).await.ok_or(TooLong)?
}

fn draw_png(text: &str) -> Result<Vec<u8>, TooLong> {
    let code = code(text)?;
    let modules = code.width() + 2 * QUIET;
    // One bit a pixel: so a byte is as wide as a module.
    let mut pixels = Vec::with_capacity(modules * modules * SCALE);
    for y in 0..modules {
        let inside = |at: usize| (QUIET..QUIET + code.width()).contains(&at);
        let dark = |x: usize| inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
        let row: Vec<u8> = (0..modules).map(|x| if dark(x) { 0 } else { 0xFF }).collect();
        for _ in 0..SCALE {
            pixels.extend_from_slice(&row);
        }
    }
    let side = modules * SCALE;
    let mut bytes = Vec::new();
    let side = u32::try_from(side).map_err(|_| TooLong)?;
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|_| TooLong)?;
    writer.write_image_data(&pixels).map_err(|_| TooLong)?;
    writer.finish().map_err(|_| TooLong)?;
    Ok(bytes)
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
    drawn(move || draw_svg(&text)).await.ok_or(TooLong)?
}

fn draw_svg(text: &str) -> Result<String, TooLong> {
    Ok(code(text)?
        .render::<qrcode::render::svg::Color<'_>>()
        .quiet_zone(true)
        .min_dimensions(256, 256)
        .build())
}

fn code(text: &str) -> Result<QrCode, TooLong> {
    QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)
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
