//! What the operator reads on the standard output.

use std::{
    io::{self, IsTerminal, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use berth_proto::AccountId;
use berth_runtime::{
    Role, Settings,
    config::{ConsolePages, DeviceDriver},
};
use secrecy::ExposeSecret;

use crate::{credentials::Shown, failure::Failure, folder::DataFolder};

/// Where the keys of the first start are kept for the operator when the standard output is no terminal: what is
/// written there mostly ends in a journal that many may read.
pub(crate) const KEYS_FILE: &str = "first-start.txt";

/// What the first start made, and what to try with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstStart<'a> {
    /// What was made.
    pub(crate) shown: &'a Shown,
    /// The account `default`.
    pub(crate) account: AccountId,
    /// Where the master key is kept, if it was made.
    pub(crate) master_key: Option<&'a Path>,
    /// Where the process listens.
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS.
    pub(crate) secured: bool,
    /// Whether phones are only played.
    pub(crate) simulated: bool,
    /// Whether there are pages for people.
    pub(crate) console: bool,
}

// === impl FirstStart ===

impl FirstStart<'_> {
    /// Shows everything on a terminal, else keeps the keys in a file of the folder that only its owner may read, and
    /// says where they are.
    pub(crate) fn greet(&self, folder: &DataFolder) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            return said(self.show(&mut out));
        }
        let mut text = Vec::new();
        said(self.show(&mut text))?;
        folder.write_secret(KEYS_FILE, &text)?;
        let path = folder.path().join(KEYS_FILE);
        said(writeln!(
            out,
            "Welcome aboard. This is the first start: the account token, the root key and what to try with them \
             are in {}, which only its owner can read. Keep them, and delete the file.",
            path.display()
        ))
    }

    fn show(&self, out: &mut impl Write) -> io::Result<()> {
        let given = |variable| format!("(as given in {variable})");
        let text = |made: &Option<secrecy::SecretString>, variable| {
            made.as_ref().map_or_else(|| given(variable), |made| made.expose_secret().to_owned())
        };
        let Self { shown, account, .. } = self;
        writeln!(out, "Welcome aboard. This is the first start: keep these, they are not shown again.\n")?;
        writeln!(out, "  account id     {account}")?;
        writeln!(out, "  account token  {}", text(&shown.account_token, "BERTH_ACCOUNT_TOKEN"))?;
        writeln!(out, "  root key       {}", text(&shown.root_key, "BERTH_ROOT_KEY"))?;
        if let Some(path) = self.master_key {
            let path = path.display();
            writeln!(out, "  master key     in {path}; without it nothing can be opened: keep a copy")?;
        }
        self.suggest(out)?;
        out.flush()
    }

    fn suggest(&self, out: &mut impl Write) -> io::Result<()> {
        let token = self.shown.account_token.as_ref();
        let token = token.map_or("$BERTH_ACCOUNT_TOKEN", |token| token.expose_secret());
        writeln!(out, "\nTry it: make an instance, ask for a QR code, and see how it stands.\n")?;
        let base = url(reachable(self.address), self.secured);
        for (arguments, path, body) in [
            ("-X POST ", "", r#" -H 'Content-Type: application/json' -d '{"name":"first"}'"#),
            ("-X POST ", "/first/connect", r#" -H 'Content-Type: application/json' -d '{"method":"qr"}'"#),
            ("", "/first", ""),
        ] {
            writeln!(
                out,
                "  curl -s {arguments}{base}/v1/instances{path} -H \"Authorization: Bearer {token}\"{body}"
            )?;
        }
        if self.simulated {
            writeln!(out, "\n{SIMULATED} (POST …/first/simulate).")?;
        }
        if self.console {
            writeln!(out, "\nThe same in a browser: {base}/console; sign in with the account token.")?;
        }
        writeln!(out, "The documentation of the API is at {base}/docs.\n")
    }
}

/// What is said of phones that are only played.
const SIMULATED: &str = "No WhatsApp is behind instances without an upstream or a worker: their phones are simulated, and a \
                         code is scanned by an API call";

/// Where a gateway is used that was given its keys: nothing about them is to be shown, and the rest is as good to know.
pub(crate) fn places(address: SocketAddr, settings: &Settings) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let base = url(reachable(address), settings.http.tls.is_some());
    let console = match settings.http.console {
        ConsolePages::On => format!("console at {base}/console, "),
        ConsolePages::Off => String::new(),
    };
    said(writeln!(out, "{console}documentation of the API at {base}/docs"))?;
    if settings.device.driver == DeviceDriver::Simulated {
        said(writeln!(out, "{SIMULATED} (POST …/simulate)"))?;
    }
    Ok(())
}

fn said(said: io::Result<()>) -> Result<(), Failure> {
    said.map_err(|source| Failure::System { what: "to write to the standard output", source })
}

/// Says where the process listens.
pub(crate) fn listening(role: Role, address: SocketAddr, is_secured: bool) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    said(writeln!(out, "berth {role} listens on {}", url(address, is_secured)).and_then(|()| out.flush()))
}

/// Says where the metrics are, if they have an address of their own.
pub(crate) fn metrics(address: SocketAddr) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    said(writeln!(out, "metrics are at {}/metrics", url(address, false)).and_then(|()| out.flush()))
}

/// An address that a client on this machine can use.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

fn url(address: SocketAddr, is_secured: bool) -> String {
    format!("{}://{address}", if is_secured { "https" } else { "http" })
}
