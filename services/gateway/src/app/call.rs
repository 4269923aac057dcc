//! One call: who asks, through which door, under which idempotency key.

use super::principal::Principal;

/// One call of a client.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The door: `native` or the dialect's name. It stands in the receipts.
    pub via: &'static str,
    /// The client's idempotency key and what it belongs to.
    pub idempotency: Option<Idempotency>,
}

/// A client's idempotency key and the request that it was sent with.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// A UUID or any text up to 128 visible characters.
    pub key: String,
    /// The route as it is documented, for example `POST /v1/instances/{i}/connect`.
    pub route: &'static str,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Call {
    /// A call without an idempotency key.
    pub const fn new(principal: Principal, via: &'static str) -> Self {
        Self { principal, via, idempotency: None }
    }

    /// The same call under a key.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Option<Idempotency>) -> Self {
        self.idempotency = idempotency;
        self
    }
}
