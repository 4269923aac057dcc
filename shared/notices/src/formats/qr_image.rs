//! QR texts as PNG data URLs.

use base64::{Engine, engine::general_purpose::STANDARD};
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};
use thiserror::Error;

/// A QR picture could not be made. A retry does not help.
#[derive(Debug, Error)]
pub enum QrImageError {
    /// The text is too long for a QR code.
    #[error("the text is too long for a QR code")]
    TooLong(#[source] qrcode::types::QrError),
    /// The PNG encoder failed.
    #[error("the picture cannot be encoded")]
    Encode(#[from] png::EncodingError),
}

/// How a picture looks.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Light modules around the code.
    pub margin_modules: usize,
    /// Pixels of one module.
    pub module_pixels: usize,
    /// The colour of dark modules, RGB.
    pub dark: [u8; 3],
}

/// The picture of a text as a `data:image/png;base64,` URL, error correction H.
pub fn png_data_url(text: &str, shape: Shape) -> Result<String, QrImageError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::H)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .map_err(QrImageError::TooLong)?;
    let png = png(&code, shape)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

fn png(code: &QrCode, shape: Shape) -> Result<Vec<u8>, QrImageError> {
    let modules = code.width();
    let side = (modules + 2 * shape.margin_modules) * shape.module_pixels;
    let colors = code.to_colors();
    let mut pixels = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let module = |pixel: usize| (pixel / shape.module_pixels).checked_sub(shape.margin_modules);
            let dark = match (module(x), module(y)) {
                (Some(column), Some(row)) if column < modules => {
                    colors.get(row * modules + column) == Some(&Color::Dark)
                }
                _ => false,
            };
            pixels.push(u8::from(dark));
        }
    }
    let mut bytes = Vec::new();
    let pixels_side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = Encoder::new(&mut bytes, pixels_side, pixels_side);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    let [red, green, blue] = shape.dark;
    encoder.set_palette(vec![255, 255, 255, red, green, blue]);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}
