//! One call: who asks, through which door, under which idempotency key.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::OnceCell;

use super::{App, failure::Failure, principal::Principal, quota::Spending};

/// Where a call comes from.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// The id of the HTTP request; empty if it has none.
    pub request_id: String,
    /// The address of the connection's other end.
    pub address: Option<IpAddr>,
}

/// One call of a client.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The door: `native` or the dialect's name. It stands in the receipts.
    pub via: &'static str,
    /// Where it comes from.
    pub client: Client,
    /// The client's idempotency key and what it belongs to.
    pub idempotency: Option<Idempotency>,
    /// Set once it is counted, whatever number of commands it takes.
    pub(super) counted: Arc<OnceCell<()>>,
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
    pub fn new(principal: Principal, via: &'static str, client: Client) -> Self {
        Self { principal, via, client, idempotency: None, counted: Arc::default() }
    }

    /// A call that its door has counted against the caller's quotas already.
    pub(crate) fn counted(principal: Principal, via: &'static str, client: Client) -> Self {
        Self { counted: Arc::new(OnceCell::new_with(Some(()))), ..Self::new(principal, via, client) }
    }

    /// The same call under a key.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Option<Idempotency>) -> Self {
        self.idempotency = idempotency;
        self
    }
}

impl App {
    /// Counts a call against its caller's quotas, unless that was done. Before each command.
    pub(super) async fn count_call(&self, call: &Call) -> Result<(), Failure> {
        let counting = || self.spend(&call.principal, Spending::Command);
        call.counted.get_or_try_init(counting).await.copied()
    }
}
