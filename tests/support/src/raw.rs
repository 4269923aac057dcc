//! What no client library would publish: bytes of a test's own choice as subject and headers.

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Publishes on a server that asks for no credentials, and returns the sequence at which a stream stored it.
///
/// # Panics
/// When nothing stored it.
pub(crate) async fn publish(port: u16, subject: &[u8], headers: &[u8], payload: &[u8]) -> u64 {
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.expect("a connection"));
    let sizes = format!(" answer {} {}\r\n", headers.len(), headers.len() + payload.len());
    let connect = br#"CONNECT {"verbose":false,"pedantic":false,"headers":true,"lang":"raw","version":"1"}"#;
    let said =
        [&connect[..], b"\r\nSUB answer 1\r\nHPUB ", subject, sizes.as_bytes(), headers, payload, b"\r\n"];
    server.write_all(&said.concat()).await.expect("a server that reads");
    let mut line = String::new();
    while !line.starts_with("MSG answer 1 ") {
        line.clear();
        let read = server.read_line(&mut line).await.expect("words of the server");
        assert!(read > 0 && !line.starts_with("-ERR"), "the server takes it: {line}");
    }
    let bytes = line.trim().rsplit(' ').next().and_then(|bytes| bytes.parse().ok()).expect("a length");
    let mut answer = vec![0; bytes];
    server.read_exact(&mut answer).await.expect("an answer");
    let answer = String::from_utf8(answer).expect("text");
    let sequence = answer.split("\"seq\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
    sequence.and_then(|sequence| sequence.trim().parse().ok()).unwrap_or_else(|| panic!("stored: {answer}"))
}
