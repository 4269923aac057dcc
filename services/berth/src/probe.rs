//! Asks the process that listens on this machine whether it is ready, where nothing else can: in its container.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use berth_runtime::Settings;

use crate::{exit, failure::Failure, recover, welcome::reachable};

/// How long connecting, and each part of the answer, may take.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Bytes of the answer that are read: one line for each part of a process.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Prints what `/readyz` says and ends with 0 if the process is ready, else with [`exit::UNAVAILABLE`].
pub(crate) fn probe(settings: &Settings) -> Result<ExitCode, Failure> {
    if settings.http.tls.is_some() && settings.http.metrics.is_none() {
        return secured(reachable(settings.http.listen));
    }
    // The address of the metrics speaks no TLS.
    let address =
        reachable(settings.http.tls.as_ref().and(settings.http.metrics).unwrap_or(settings.http.listen));
    let answer = ask(address).map_err(|source| Failure::NoAnswer { address, source })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    say(body, head.split(' ').nth(1) == Some("200"))
}

fn say(body: &str, ready: bool) -> Result<ExitCode, Failure> {
    writeln!(io::stdout(), "{body}")
        .map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    Ok(if ready { ExitCode::SUCCESS } else { exit::UNAVAILABLE.into() })
}

/// The same over TLS. Whose name its certificate has, and until when, is nothing to a process that asks about itself.
fn secured(address: SocketAddr) -> Result<ExitCode, Failure> {
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let asked = recover::now(async {
        let asked = async {
            let client = reqwest::Client::builder().timeout(ANSWER_MAX).tls_danger_accept_invalid_certs(true);
            let answer = client.build()?.get(format!("https://{address}/readyz")).send().await?;
            Ok::<_, reqwest::Error>((answer.status().is_success(), answer.text().await?))
        };
        asked.await.map_err(|error| Failure::NoAnswer { address, source: io::Error::other(error) })
    });
    let (ready, body) = asked?;
    say(&body, ready)
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
