//! How many connections there may be, and that none holds what its client does not take.
//!
//! Every connection costs a file descriptor and memory, and a client is free to open as many as it likes. So there is
//! a bound in all, which leaves descriptors for what the service itself opens (the log, NATS, webhooks), and one for
//! each address. A connection over a bound is closed at once, before a byte of it is read, but for a few that may
//! ask how the process is: whoever restarts it when it does not answer must not be locked out by its clients.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::{allowance::Allowance, proxies::Proxies};
use crate::config::HttpSettings;

/// File descriptors that are kept for the service itself: files of the log and the views, connections to NATS,
/// attempts of webhooks, and what is asked of names.
pub const FILES_RESERVED: u64 = 512;
/// Connections to an address that only operators are asked at.
const OF_OPERATORS: ConnectionLimits = ConnectionLimits { total: 64, per_address: 64 };
/// Connections over a bound that may ask for the routes of whoever operates the process, and nothing else.
const PROBES_MAX: usize = 16;
/// Those of one address.
const PROBES_PER_ADDRESS_MAX: usize = 4;
/// How long a client may leave what is sent to it unread; then its connection ends. Streams and sockets too.
const STALLED_MAX: Duration = Duration::from_secs(30);
/// The operator's log names refused connections once in this time.
const WARN_EACH: Duration = Duration::from_secs(10);

const OPEN: &str = "berth_http_connections";
const REFUSED: &str = "berth_http_connections_refused_total";

/// How many connections of clients there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one address; a `/64` in IPv6 counts as one.
    pub per_address: usize,
}

impl ConnectionLimits {
    /// Those of an address at which only operators ask: few, so that they take no descriptors from clients.
    pub const fn of_operators() -> Self {
        OF_OPERATORS
    }

    /// What is set, as far as the file descriptors of the process go: [`FILES_RESERVED`] of them are kept for the
    /// service itself, or half of them if there are not twice as many.
    pub fn within(settings: &HttpSettings, files: u64) -> Self {
        let files = files.saturating_sub(FILES_RESERVED.min(files / 2));
        let total = settings.connections.min(usize::try_from(files).unwrap_or(usize::MAX)).max(1);
        if total < settings.connections {
            tracing::warn!(
                connections = total,
                "fewer connections than `http_connections` are served, for want of file descriptors: raise the limit \
                 of open files (ulimit -n)"
            );
        }
        Self { total, per_address: settings.connections_per_address.min(total) }
    }
}

/// The connections that are open. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: ConnectionLimits,
    /// Many clients come from one of their addresses.
    proxies: Proxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Over a bound, in all and by address.
    probes: usize,
    probes_by_address: HashMap<IpAddr, usize>,
    /// Refused since the last warning.
    refused: u64,
    warned_at: Option<Instant>,
}

// === impl Connections ===

impl Connections {
    pub(super) fn new(limits: ConnectionLimits, proxies: Proxies) -> Self {
        describe_gauge!(OPEN, Unit::Count, "Connections of clients that are open");
        describe_counter!(
            REFUSED,
            Unit::Count,
            "Connections that were closed at once, over the bound in all (total) or for one address (address)"
        );
        // Not set to 0: there may be another listener already.
        gauge!(OPEN).increment(0.0);
        for bound in ["total", "address"] {
            counter!(REFUSED, "bound" => bound).increment(0);
        }
        Self(Arc::new(Shared { limits, proxies, open: Mutex::default() }))
    }

    /// Counts a connection from an address until what is given is dropped; none if there are too many. One over a
    /// bound may be a probe, see [`Counted::is_probe`].
    pub(super) fn admit(&self, from: IpAddr) -> Option<Counted> {
        let address = bucket(from);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        let bound = if open.total >= self.0.limits.total {
            "total"
        } else if of_address >= self.0.limits.per_address && !self.0.proxies.has(from) {
            "address"
        } else {
            open.total += 1;
            open.by_address.insert(address, of_address + 1);
            gauge!(OPEN).increment(1.0);
            return Some(Counted { shared: Arc::clone(&self.0), address, is_probe: false });
        };
        let probes_of_address = open.probes_by_address.get(&address).copied().unwrap_or_default();
        if open.probes < PROBES_MAX && probes_of_address < PROBES_PER_ADDRESS_MAX {
            open.probes += 1;
            open.probes_by_address.insert(address, probes_of_address + 1);
            return Some(Counted { shared: Arc::clone(&self.0), address, is_probe: true });
        }
        drop(open);
        self.refuse(bound);
        None
    }

    /// Notes that a connection, or what it asked for, was refused because of a bound.
    pub(super) fn refuse(&self, bound: &'static str) {
        counter!(REFUSED, "bound" => bound).increment(1);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.refused += 1;
        if open.warned_at.is_none_or(|at| at.elapsed() >= WARN_EACH) {
            let refused = std::mem::take(&mut open.refused);
            open.warned_at = Some(Instant::now());
            tracing::warn!(bound, refused, open = open.total, "connections are refused: there are too many");
        }
    }
}

/// One connection of those that are counted.
#[derive(Debug)]
pub(super) struct Counted {
    shared: Arc<Shared>,
    address: IpAddr,
    is_probe: bool,
}

impl Counted {
    /// Whether it is over a bound, and may ask how the process is and nothing else.
    pub(super) const fn is_probe(&self) -> bool {
        self.is_probe
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = &mut *open;
        let (total, by_address) = if self.is_probe {
            (&mut open.probes, &mut open.probes_by_address)
        } else {
            gauge!(OPEN).decrement(1.0);
            (&mut open.total, &mut open.by_address)
        };
        *total -= 1;
        if let Some(of_address) = by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: whoever has an IPv6 address has a whole `/64` of them.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// A client's connection, counted as long as anybody has it: a socket outlives the request that asked for it. It fails
/// when the client takes nothing for [`STALLED_MAX`] although there is something to send.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    /// Runs while nothing can be sent.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set by whoever takes the connection over.
    allowance: Allowance,
    counted: Counted,
}

// === impl Client ===

impl Client {
    pub(super) fn new(stream: TcpStream, counted: Counted) -> Self {
        Self { stream, stalled: None, allowance: Allowance::default(), counted }
    }

    /// How much it may still send.
    pub(super) const fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Small pieces, such as the events of a stream, do not wait for the client's next acknowledgement.
    pub(super) fn without_delay(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)
    }

    /// Whether it may ask how the process is and nothing else.
    pub(super) const fn is_probe(&self) -> bool {
        self.counted.is_probe()
    }

    /// What a write came to, and the end of the patience if it has to wait.
    fn patient(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED_MAX)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let is_allowed = self.allowance.spend(buffer.filled().len() - before);
        Poll::Ready(if is_allowed { Ok(()) } else { Err(io::ErrorKind::QuotaExceeded.into()) })
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.patient(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.patient(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_address: usize) -> Connections {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        Connections::new(ConnectionLimits { total, per_address }, proxies)
    }

    #[tokio::test]
    async fn an_address_has_its_bound_a_64_is_one_and_all_have_theirs() {
        let open = connections(3, 2);
        let admit = |address: &str| open.admit(address.parse().unwrap()).filter(|one| !one.is_probe());
        let first = admit("2001:db8::1").unwrap();
        let _second = admit("2001:db8::2").unwrap();
        assert!(admit("2001:db8::ffff").is_none(), "the /64 has two");
        let third = admit("::ffff:192.0.2.1").unwrap();
        assert!(admit("192.0.2.2").is_none(), "there are three");
        drop(first);
        let _fourth = admit("192.0.2.1").unwrap();
        drop(third);
        let _fifth = admit("2001:db8::3").unwrap();
        assert_eq!(open.0.open.lock().unwrap().by_address.len(), 2, "who left is forgotten");
    }

    #[tokio::test]
    async fn the_address_of_a_proxy_has_no_bound_but_that_of_all() {
        let open = connections(3, 1);
        let admit = || open.admit("10.1.2.3".parse().unwrap()).filter(|one| !one.is_probe());
        let _many: Vec<_> = (0..3).map(|_| admit().unwrap()).collect();
        assert!(admit().is_none(), "there are three");
    }

    #[tokio::test]
    async fn a_few_over_a_bound_may_ask_how_the_process_is() {
        let open = connections(1, 1);
        let _only = open.admit("192.0.2.1".parse().unwrap()).unwrap();
        let from = |host: usize| open.admit(format!("192.0.2.{host}").parse().unwrap());
        let mut probes: Vec<_> = (0..PROBES_PER_ADDRESS_MAX).map(|_| from(1).unwrap()).collect();
        assert!(from(1).is_none(), "an address has no more");
        probes.extend((PROBES_PER_ADDRESS_MAX..PROBES_MAX).map(|host| from(host + 2).unwrap()));
        assert!(probes.iter().all(Counted::is_probe));
        assert!(from(100).is_none(), "all have no more");
        drop(probes);
        assert!(from(1).unwrap().is_probe());
        assert!(open.0.open.lock().unwrap().probes_by_address.is_empty(), "who left is forgotten");
    }

    #[tokio::test]
    async fn descriptors_are_kept_for_the_service() {
        let settings = HttpSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics: None,
            public_url: None,
            console: crate::config::ConsolePages::Off,
            connections: 8_192,
            connections_per_address: 1_024,
            tls: None,
            trusted_proxies: Vec::new(),
        };
        let within = |files| {
            let ConnectionLimits { total, per_address } = ConnectionLimits::within(&settings, files);
            (total, per_address)
        };
        assert_eq!(within(1 << 20), (8_192, 1_024));
        assert_eq!(within(4_096), (3_584, 1_024));
        assert_eq!(within(600), (300, 300));
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_left() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, from) = listener.accept().await.unwrap();
        let counted = connections(1, 1).admit(from.ip()).unwrap();
        let mut client = Client::new(stream, counted);
        let begun = Instant::now();
        let failed = loop {
            if let Err(error) = tokio::io::AsyncWriteExt::write_all(&mut client, &[0; 1 << 14]).await {
                break error;
            }
        };
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= STALLED_MAX, "of the clock of the test");
        drop(peer);
    }
}
