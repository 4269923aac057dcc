//! A wire between two programs that a test can cut: a TCP relay of its own, which needs no rights.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Relays connections to one address, until it is cut or dropped.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    is_cut: Arc<watch::Sender<bool>>,
    /// Ends with the wire.
    _relay: JoinSet<()>,
}

impl Wire {
    /// A wire to a port of the loopback interface, whole.
    ///
    /// # Panics
    /// When there is no port for it.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let is_cut = Arc::new(watch::Sender::new(false));
        let mut relay = JoinSet::new();
        relay.spawn(relay_all(listener, port, Arc::clone(&is_cut)));
        Self { address, is_cut, _relay: relay }
    }

    /// The port of this end.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends what is connected, and lets nothing through.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Lets through what connects from now on.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn relay_all(listener: TcpListener, port: u16, is_cut: Arc<watch::Sender<bool>>) {
    let mut relayed = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let mut cut = is_cut.subscribe();
        if *cut.borrow() {
            continue;
        }
        relayed.spawn(async move {
            tokio::select! {
                _cut = cut.wait_for(|cut| *cut) => {}
                () = relay(near, port) => {}
            }
        });
        while relayed.try_join_next().is_some() {}
    }
}

async fn relay(mut near: TcpStream, port: u16) {
    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
        let _ended = copy_bidirectional(&mut near, &mut far).await;
    }
}
