//! What may be told of an instance, to whom and when.
//!
//! - [`mod@derive`] makes notices of commits and [`formats`] says them in the words of each dialect; both are
//!   pure.
//! - [`mod@gate`] says whether a notice may be told now; pure.
//! - [`asymmetric`] signs with ed25519 what is told.
//! - [`mod@jwt`] makes the tokens of a dialect that has them.
//! - [`mod@open`] opens what a body is made of.
//! - [`pace`] says how fast an endpoint wants to be told, [`retries`] when it wants to be tried again.
//!
//! Whoever tells something from here (webhooks, a queue, a live socket) tells the same, in the same words and
//! under the same silence.

pub mod asymmetric;
pub mod derive;
pub mod drawing;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod formats;
pub mod gate;
pub mod headers;
pub mod jwt;
pub mod open;
pub mod pace;
pub mod qr_code;
pub mod retries;
