//! A lean HTTP/1.1 client: one connection, one request at a time, no more parsing than an answer needs. The
//! same one asks Berth and the empty handler, so that its own cost is in both; the report says what it is.

use std::fmt;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Outcome;

/// Bytes that an answer may have: the metrics of a process are the longest.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection that is kept alive, and opened again after one that broke.
#[derive(Debug)]
pub(crate) struct Connection {
    port: u16,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The bearer token.
    pub(crate) token: &'a str,
    /// Whether it is shown as clients of Evolution API do.
    pub(crate) apikey: bool,
    /// The `Idempotency-Key`, if any.
    pub(crate) key: Option<&'a str>,
    /// The cookies of a browser, which asks from a page of the gateway.
    pub(crate) cookie: Option<&'a str>,
    pub(crate) body: &'a str,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A request was refused for now: too much was asked for, or there was no room for it.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    /// Whether the answer says when to ask again.
    pub(crate) says_when: bool,
    body: String,
}

impl<'a> Ask<'a> {
    pub(crate) const fn get(path: &'a str, token: &'a str) -> Self {
        Self { method: "GET", path, token, apikey: false, key: None, cookie: None, body: "" }
    }

    pub(crate) const fn post(path: &'a str, token: &'a str, body: &'a str) -> Self {
        Self { method: "POST", path, token, apikey: false, key: None, cookie: None, body }
    }

    pub(crate) const fn as_apikey(self) -> Self {
        Self { apikey: true, ..self }
    }

    pub(crate) const fn keyed(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) const fn browsing(self, cookie: &'a str) -> Self {
        Self { cookie: Some(cookie), ..self }
    }
}

impl Connection {
    /// A connection to a port of the loopback interface, opened by the first request if not before.
    pub(crate) fn to(port: u16) -> Self {
        Self { port, stream: None, received: Vec::with_capacity(8 * 1024) }
    }

    /// Opens it, if it is not open.
    pub(crate) async fn open(&mut self) -> Outcome<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a request and reads its whole answer. A caller that gives up in the middle leaves a connection that
    /// is not used again.
    pub(crate) async fn ask(&mut self, ask: Ask<'_>) -> Outcome<Answer> {
        self.open().await?;
        let mut stream = self.stream.take().ok_or("there is no connection")?;
        stream.write_all(ask.text().as_bytes()).await?;
        self.received.clear();
        loop {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection ended before an answer".into());
            }
            if let Some(answer) = parse(&self.received)? {
                self.stream = Some(stream);
                return Ok(answer);
            }
            if self.received.len() > ANSWER_BYTES_MAX {
                return Err("an answer is too large".into());
            }
        }
    }
}

impl Ask<'_> {
    fn text(self) -> String {
        let Self { method, path, token, apikey, key, cookie, body } = self;
        let shown = if apikey { "apikey:" } else { "authorization: Bearer" };
        let length = body.len();
        let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
        let browsing = |cookie| format!("cookie: {cookie}\r\nsec-fetch-site: same-origin\r\n");
        let cookie = cookie.map(browsing).unwrap_or_default();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{shown} {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{key}{cookie}\r\n{body}"
        )
    }
}

impl Answer {
    /// The body of an answer with this status.
    pub(crate) fn expect(self, status: u16) -> Outcome<Vec<u8>> {
        if self.status == status {
            return Ok(self.body);
        }
        if matches!(self.status, 429 | 503) {
            let says_when = self.head.to_ascii_lowercase().contains("\r\nretry-after:");
            let body = String::from_utf8_lossy(&self.body).into_owned();
            return Err(Refused { status: self.status, says_when, body }.into());
        }
        Err(format!("{status} was expected: {} {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }

    /// The JSON of an answer with this status.
    pub(crate) fn json(self, status: u16) -> Outcome<serde_json::Value> {
        Ok(serde_json::from_slice(&self.expect(status)?)?)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused for now: {} {}", self.status, self.body)
    }
}

impl std::error::Error for Refused {}

/// The answer, if all of it is there.
fn parse(received: &[u8]) -> Outcome<Option<Answer>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = received.split_at(end + 4);
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().parse()?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())?;
    Ok(rest.get(..length).map(|body| Answer { status, head: head.to_owned(), body: body.to_vec() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_when_all_of_it_is_there() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\nok";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).unwrap().is_none());
        }
        let answer = parse(whole).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, b"ok".as_slice()));
        assert_eq!(answer.expect(201).unwrap(), b"ok");
    }

    #[test]
    fn a_refusal_says_whether_it_says_when_to_ask_again() {
        let refusal = |head: &str| {
            let answer = parse(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).unwrap().unwrap();
            answer.expect(200).unwrap_err().downcast::<Refused>().map(|refused| refused.says_when).ok()
        };
        assert_eq!(refusal("429 Too Many Requests\r\nRetry-After: 1"), Some(true));
        assert_eq!(refusal("503 Service Unavailable"), Some(false));
        assert_eq!(refusal("500 Internal Server Error"), None);
    }
}
