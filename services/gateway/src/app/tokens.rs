//! Giving an instance another token.

use berth_proto::{command::RotateTokenV1, event::NewTokenV1};
use berth_runtime::{Unique, sealing::field};

use super::{App, call::Call, commands::Answer, failure::Failure, record::Record};

/// Random bytes of a generated token.
const TOKEN_BYTES: usize = 32;

impl App {
    /// Gives the instance a generated token; the old one ends at once. The record of the answer has the new one.
    pub async fn rotate_token(&self, call: &Call, record: &Record) -> Result<Answer, Failure> {
        let key = record.key.clone().ok_or(Failure::NotFound)?;
        let token = self.random_text(TOKEN_BYTES);
        let new = NewTokenV1 {
            token: key.seal(record.id.as_bytes(), field::TOKEN, token.as_bytes()),
            entry: self.inner.keys.master().entry(Unique::Token, &token),
        };
        self.command(call, record.id, RotateTokenV1 { token: Some(new) }).await
    }

    /// Ends the JWTs that were issued so far; the token stays.
    pub async fn end_jwts(&self, call: &Call, record: &Record) -> Result<Answer, Failure> {
        self.command(call, record.id, RotateTokenV1 { token: None }).await
    }
}
