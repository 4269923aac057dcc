//! A receiver that takes connections and answers nothing, in the benchmark's own process: how many are open to it at once.

use std::{
    io::{ErrorKind, Read},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpListener, task::JoinSet};

use crate::Outcome;

/// The receiver; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Hanging {
    port: u16,
    most: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Hanging {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, most) = (listener.local_addr()?.port(), Arc::<AtomicUsize>::default());
        let mut serving = JoinSet::new();
        serving.spawn(hang(listener, Arc::clone(&most)));
        Ok(Self { port, most, _serving: serving })
    }

    /// The URL of the receiver.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The most connections that were open at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

async fn hang(listener: TcpListener, most: Arc<AtomicUsize>) {
    let mut open = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(stream) = stream.into_std() else { continue };
        open.push(stream);
        open.retain_mut(is_open);
        most.fetch_max(open.len(), Ordering::Relaxed);
    }
}

/// Whether whoever opened a connection has it open still.
fn is_open(stream: &mut TcpStream) -> bool {
    let mut request = [0; 4_096];
    loop {
        match stream.read(&mut request) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}
