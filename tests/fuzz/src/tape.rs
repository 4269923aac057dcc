//! The random bytes that a case is made of.

use arbitrary::Unstructured;

/// Pieces of text that parsers stumble over.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "a",
    "0",
    "-1",
    "18446744073709551616",
    "1e999",
    "null",
    "true",
    "..",
    "%",
    "%00",
    "%2f",
    "%ff",
    "*",
    ">",
    "\u{0}",
    "\r\n",
    "\u{202e}",
    "\u{1f6a2}",
    "{\"a\":[1,null]}",
    "' OR 1=1 --",
    "<script>",
    "\\u0000",
];

/// Random bytes, read as choices. An end of the tape reads as zeros, so that each tape is a case, and a shorter tape a
/// simpler one: put the harmless choice first.
#[derive(Debug)]
pub struct Tape<'a>(Unstructured<'a>);

impl<'a> Tape<'a> {
    /// The tape with these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below the bound, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.int_in_range(0..=bound.saturating_sub(1)).unwrap_or_default()
    }

    /// True in one of so many cases; false at the end of the tape.
    pub fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) + 1 == cases
    }

    /// One of the choices, the first at the end of the tape.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'b, T>(&mut self, choices: &'b [T]) -> &'b T {
        &choices[self.below(choices.len())]
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// So many bytes at most.
    pub fn bytes(&mut self, max: usize) -> Vec<u8> {
        let length = self.below(max + 1).min(self.0.len());
        self.0.bytes(length).unwrap_or_default().to_vec()
    }

    /// A text that a parser may stumble over: a known stumbling block, or any characters.
    pub fn text(&mut self) -> String {
        match self.below(4) {
            0 => (*self.pick(&TEXTS)).to_owned(),
            1 => String::from_utf8_lossy(&self.bytes(24)).into_owned(),
            2 => self.pick(&TEXTS).repeat(self.below(40)),
            _ => (0..self.below(6)).map(|_| *self.pick(&TEXTS)).collect(),
        }
    }
}
