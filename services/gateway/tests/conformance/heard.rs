//! What is asked of an upstream before it is heard.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::World;

#[tokio::test]
async fn a_wrong_secret_is_refused_before_the_body_is_there() {
    let world = World::start().await;
    let url = world.socket("");
    let address = url.strip_prefix("ws://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/upstreams/evo1/heard/shop HTTP/1.1\r\nHost: berth\r\nX-Berth-Callback: guessed\r\n\
        Content-Type: application/json\r\nContent-Length: 900000\r\nExpect: 100-continue\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    // Not 100, with which a body is asked for.
    assert_eq!(&status, b"HTTP/1.1 401");
}
