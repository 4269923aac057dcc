//! Asks the process that listens on this machine whether it is ready, where nothing else can: in its container.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use berth_runtime::Settings;

use crate::{exit, failure::Failure, welcome::reachable};

/// How long connecting, and each part of the answer, may take.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Bytes of the answer that are read: one line for each part of a process.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Prints what `/readyz` says and ends with 0 if the process is ready, else with [`exit::UNAVAILABLE`].
pub(crate) fn probe(settings: &Settings) -> Result<ExitCode, Failure> {
    let address = reachable(settings.http.listen);
    let answer = ask(address).map_err(|source| Failure::NoAnswer { address, source })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    writeln!(io::stdout(), "{body}")
        .map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    let ready = head.split(' ').nth(1) == Some("200");
    Ok(if ready { ExitCode::SUCCESS } else { exit::UNAVAILABLE.into() })
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    // Of HTTP/1.0, so that the answer is whole when the connection ends.
    write!(stream, "GET /readyz HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}
