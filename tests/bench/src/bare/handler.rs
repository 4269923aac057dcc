//! An empty handler: the same web framework in a process of its own, which answers every request at once with the
//! headers and the body of an answer of Berth.

use std::{fs, path::Path};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue},
    serve::ListenerExt,
};
use berth_test_support::free_port;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    Outcome,
    closed_loop::Operation,
    http::{Answer, Ask, Connection},
    process::{self, Process},
    workload::next_key,
};

/// A path as long as that of a command.
const PATH: &str = "/v1/instances/00000000000000000000000000/logout";
/// A token as long as an instance's.
const TOKEN: &str = "0000000000000000000000000000000000000000000000000000";
const HEAD_FILE: &str = "head";
const BODY_FILE: &str = "body";

/// The process of the handler.
#[derive(Debug)]
pub(crate) struct Handler {
    port: u16,
    _process: Process,
    _answer: TempDir,
}

/// Asks it, with the headers of a keyed command.
#[derive(Debug)]
pub(crate) struct Empty {
    connection: Connection,
}

/// The hidden subcommand: serves the answer that lies in a folder.
pub(crate) async fn serve(port: u16, answer: &Path) -> Outcome<()> {
    let body = Bytes::from(fs::read(answer.join(BODY_FILE))?);
    let headers = headers(&fs::read_to_string(answer.join(HEAD_FILE))?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?.tap_io(|stream| {
        // As Berth does; without it the answer is only later.
        let _kept = stream.set_nodelay(true);
    });
    let router = Router::new().fallback(|| async move { (headers, body) });
    Ok(axum::serve(listener, router).await?)
}

impl Handler {
    /// Starts it with the answer that it is to give.
    pub(crate) async fn start(answer: &Answer) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(HEAD_FILE), &answer.head)?;
        fs::write(folder.path().join(BODY_FILE), &answer.body)?;
        let port = free_port();
        let path = folder.path().to_str().ok_or("the temporary folder has no name in UTF-8")?;
        let mut process = process::own(&["empty-handler", &port.to_string(), path])?;
        process.answers(port, PATH).await?;
        Ok(Self { port, _process: process, _answer: folder })
    }

    pub(crate) fn clients(&self, clients: usize) -> Vec<Empty> {
        (0..clients).map(|_| Empty { connection: Connection::to(self.port) }).collect()
    }
}

impl Operation for Empty {
    async fn once(&mut self) -> Outcome<()> {
        let key = next_key();
        self.connection.ask(Ask::post(PATH, TOKEN, "{}").keyed(&key)).await?.expect(200)?;
        Ok(())
    }
}

/// The headers of an answer but those that every server of HTTP adds by itself.
fn headers(head: &str) -> HeaderMap {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
    lines
        .filter(|(name, _)| !["content-length", "date", "connection"].contains(&&*name.to_ascii_lowercase()))
        .filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handler_has_the_headers_of_berth_and_not_those_of_the_connection() {
        let headers = headers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\ndate: x\r\netag: \"5\"\r\n\r\n");
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["etag"], "\"5\"");
    }
}
