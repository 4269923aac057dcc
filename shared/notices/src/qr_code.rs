//! Texts as QR codes, and codes as pictures.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
pub use fast_qr::ECL as Correction;
use fast_qr::{QRBuilder, QRCode};
use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use thiserror::Error;

/// Light modules around a code (ISO/IEC 18004 asks for four).
pub const QUIET_MODULES: usize = 4;

/// A text that is drawn as light and dark modules.
#[derive(Debug)]
pub struct QrCode(QRCode);

/// A QR picture could not be made. A retry does not help.
#[derive(Debug, Error)]
pub enum QrCodeError {
    /// The text is too long for a QR code.
    #[error("the text is too long for a QR code")]
    TooLong,
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

// === impl QrCode ===

impl QrCode {
    /// The smallest code of a text with this correction.
    pub fn of(text: &str, correction: Correction) -> Result<Self, QrCodeError> {
        QRBuilder::new(text).ecl(correction).build().map(Self).map_err(|_| QrCodeError::TooLong)
    }

    /// Modules of a side, without those around it.
    pub const fn modules(&self) -> usize {
        self.0.size
    }

    /// Whether a module is dark; those around the code are light.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        let at = row * self.0.size + column;
        column < self.0.size && row < self.0.size && self.0.data.get(at).is_some_and(|module| module.value())
    }

    /// The code as a PNG of two colours.
    pub fn png(&self, shape: Shape) -> Result<Vec<u8>, QrCodeError> {
        let side = (self.modules() + 2 * shape.margin_modules) * shape.module_pixels;
        let mut pixels = Vec::with_capacity(side * side.div_ceil(8));
        for row in 0..self.modules() + 2 * shape.margin_modules {
            let line = self.line(row, side, shape);
            for _ in 0..shape.module_pixels {
                pixels.extend_from_slice(&line);
            }
        }
        let mut bytes = Vec::new();
        let side = u32::try_from(side).map_err(|_| QrCodeError::TooLong)?;
        let mut encoder = Encoder::new(&mut bytes, side, side);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::One);
        let [red, green, blue] = shape.dark;
        encoder.set_palette(vec![255, 255, 255, red, green, blue]);
        // Lines repeat, so that what differs from the line above is nearly nothing. Smaller pictures take twenty times
        // the processor.
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(bytes)
    }

    /// One line of pixels, one bit each.
    fn line(&self, row: usize, side: usize, shape: Shape) -> Vec<u8> {
        let module = |at: usize| at.checked_sub(shape.margin_modules);
        let is_dark = |pixel: usize| {
            let column = module(pixel / shape.module_pixels);
            pixel < side && column.zip(module(row)).is_some_and(|(column, row)| self.is_dark(column, row))
        };
        let byte = |first: usize| (0..8).fold(0, |byte, bit| byte << 1 | u8::from(is_dark(first + bit)));
        (0..side).step_by(8).map(byte).collect()
    }

    /// The code as SVG, black on white, as large as whoever shows it wants.
    pub fn svg(&self) -> String {
        let side = self.modules() + 2 * QUIET_MODULES;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"320\" height=\"320\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\""
        );
        let modules =
            (0..self.modules()).flat_map(|row| (0..self.modules()).map(move |column| (column, row)));
        for (column, row) in modules.filter(|(column, row)| self.is_dark(*column, *row)) {
            let (x, y) = (column + QUIET_MODULES, row + QUIET_MODULES);
            let _written = write!(svg, "M{x} {y}h1v1h-1z");
        }
        svg.push_str("\"/></svg>");
        svg
    }
}

/// The picture of a text as a `data:image/png;base64,` URL, with the most correction, or the least where that has no room.
pub fn png_data_url(text: &str, shape: Shape) -> Result<String, QrCodeError> {
    let code = QrCode::of(text, Correction::H).or_else(|_| QrCode::of(text, Correction::L))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(code.png(shape)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader of QR codes sees in a PNG.
    fn read(png: &[u8]) -> String {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (info.width as usize, info.height as usize);
        let red = |x: usize, y: usize| pixels[y * info.line_size + 3 * x];
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, red);
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1, "one code in the picture");
        grids[0].decode().unwrap().1
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_drawn_is_read_again(text in "[ -~]{1,300}", margin in 4_usize..6, pixels in 3_usize..9) {
            let shape = Shape { margin_modules: margin, module_pixels: pixels, dark: [0x19, 0x87, 0x54] };
            for correction in [Correction::L, Correction::M, Correction::H] {
                let code = QrCode::of(&text, correction).unwrap();
                prop_assert_eq!(read(&code.png(shape).unwrap()), text.clone());
            }
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert!(matches!(QrCode::of(&"x".repeat(10_000), Correction::L), Err(QrCodeError::TooLong)));
    }

    #[test]
    fn the_drawing_has_a_square_for_each_dark_module() {
        let code = QrCode::of("text", Correction::M).unwrap();
        let dark = (0..code.modules() * code.modules())
            .filter(|at| code.is_dark(at % code.modules(), at / code.modules()))
            .count();
        assert_eq!(code.svg().matches("h1v1h-1z").count(), dark);
    }
}
