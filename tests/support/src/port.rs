//! Ports for programs that cannot say themselves which one they took.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Mutex,
};

/// Where systems do not look when a program asks for any port: a port that is free here stays so until somebody asks
/// for just this one.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What this process was given, the next first.
static GIVEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A port of the loopback interface that is free, and that no other test gets while this process lives: a server that is
/// killed finds it again.
///
/// # Panics
/// When the machine has none.
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().expect("nobody panics while he holds it");
    let first = given.last().map_or_else(own_start, |last| port_of(last) + 1);
    let mine = (first..PORTS.end).chain(PORTS.start..first).find_map(reserved).expect("a free port");
    let port = port_of(&mine);
    given.push(mine);
    port
}

/// Processes begin at different ports, so that they seldom ask for the same.
fn own_start() -> u16 {
    let place = std::process::id().wrapping_mul(37) % u32::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(place).expect("it is less than there are ports")
}

/// The port as long as this lives: what is tested listens on TCP, so UDP is free to tell other tests.
fn reserved(port: u16) -> Option<UdpSocket> {
    let mark = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_free| mark)
}

fn port_of(mark: &UdpSocket) -> u16 {
    mark.local_addr().expect("it is bound").port()
}
