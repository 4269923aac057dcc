//! QR codes made of characters: two modules in the height of a line.

use fast_qr::{ECL, QRBuilder};

/// Modules of quiet zone (ISO/IEC 18004 asks for four).
const QUIET: usize = 4;
/// Black on white, whatever colours the terminal has.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
/// As before.
const RESET: &str = "\x1b[0m";

/// A code that can be printed.
#[derive(Debug)]
pub(crate) struct Drawing {
    /// Columns that it takes.
    pub(crate) columns: usize,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

// === impl Drawing ===

impl Drawing {
    /// Draws the text. Without colours, what is light in the code is drawn as blocks, which is right on a dark terminal;
    /// `inverted` is for a light one. None if the text does not fit into a code.
    pub(crate) fn of(text: &str, colored: bool, inverted: bool) -> Option<Self> {
        // The lowest level of correction gives the smallest code, and a screen has no stains.
        let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
        let side = code.size + 2 * QUIET;
        let module = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
        let is_dark = |x: usize, y: usize| {
            let at = module(x).zip(module(y)).map(|(column, row)| row * code.size + column);
            at.and_then(|at| code.data.get(at)).is_some_and(|module| module.value())
        };
        // Blocks are drawn in the colour of the text.
        let is_block = |x, y| is_dark(x, y) == (colored || inverted) && y < side;
        let lines = (0..side).step_by(2).map(|y| {
            let row: String = (0..side)
                .map(|x| match (is_block(x, y), is_block(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                })
                .collect();
            if colored { format!("{BLACK_ON_WHITE}{row}{RESET}") } else { row }
        });
        Some(Self { columns: side, lines: lines.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "https://wa.me/settings/linked_devices#2@VFx4,AbCd,EfGh,1";

    #[test]
    fn it_is_a_square_with_a_quiet_zone() {
        let drawing = Drawing::of(TEXT, false, false).unwrap();
        assert!(drawing.lines.iter().all(|line| line.chars().count() == drawing.columns));
        assert_eq!(drawing.lines.len(), drawing.columns.div_ceil(2));
        assert!(drawing.lines.iter().take(2).all(|line| line.chars().all(|c| c == '█')), "light is drawn");
        let inverted = Drawing::of(TEXT, false, true).unwrap();
        assert!(inverted.lines.iter().take(2).all(|line| line.trim().is_empty()));
    }

    #[test]
    fn colours_say_black_on_white_and_end_with_the_line() {
        let drawing = Drawing::of(TEXT, true, false).unwrap();
        assert!(drawing.lines.iter().all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET)));
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert!(Drawing::of(&"x".repeat(10_000), true, false).is_none());
    }
}
