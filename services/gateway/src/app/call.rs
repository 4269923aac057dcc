//! One call: who asks, through which door, under which idempotency key.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use berth_runtime::Entropy;
use data_encoding::BASE32_DNSSEC;
use tokio::sync::OnceCell;

use super::principal::Principal;

/// Random bytes in the ids of a process's requests: enough that no two processes ever share them.
const PROCESS_BYTES: usize = 10;

/// Where a call comes from.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// The id of the HTTP request; empty if it has none.
    pub request_id: Arc<str>,
    /// The address of the connection's other end.
    pub address: Option<IpAddr>,
}

/// Makes the ids of requests that bring none: one of the process, and a number.
#[derive(Debug)]
pub struct RequestIds {
    process: String,
    made: AtomicU64,
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

impl RequestIds {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0; PROCESS_BYTES];
        entropy.fill(&mut random);
        Self { process: BASE32_DNSSEC.encode(&random), made: AtomicU64::new(0) }
    }

    /// An id for a request that brings none.
    pub fn next(&self) -> String {
        format!("{}-{}", self.process, self.made.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
