//! What the operator reads on the standard output.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use berth_proto::AccountId;
use berth_runtime::Role;
use secrecy::ExposeSecret;

use crate::credentials::Shown;

/// Shows what was made at the first start, once, and what to try with it.
pub(crate) fn first_start(
    out: &mut impl Write,
    shown: &Shown,
    account: AccountId,
    master_key: Option<&Path>,
    address: SocketAddr,
) -> io::Result<()> {
    let given = |variable| format!("(as given in {variable})");
    let text = |made: &Option<secrecy::SecretString>, variable| {
        made.as_ref().map_or_else(|| given(variable), |made| made.expose_secret().to_owned())
    };
    writeln!(out, "Welcome aboard. This is the first start: keep these, they are not shown again.\n")?;
    writeln!(out, "  account id     {account}")?;
    writeln!(out, "  account token  {}", text(&shown.account_token, "BERTH_ACCOUNT_TOKEN"))?;
    writeln!(out, "  root key       {}", text(&shown.root_key, "BERTH_ROOT_KEY"))?;
    if let Some(path) = master_key {
        writeln!(
            out,
            "  master key     in {}; without it nothing can be opened: keep a copy",
            path.display()
        )?;
    }
    let token = shown.account_token.as_ref().map_or("$BERTH_ACCOUNT_TOKEN", |token| token.expose_secret());
    writeln!(out, "\nTry it: make an instance, ask for a QR code, and see how it stands.\n")?;
    let base = url(reachable(address));
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
    writeln!(out)?;
    out.flush()
}

/// Says where the process listens.
pub(crate) fn listening(out: &mut impl Write, role: Role, address: SocketAddr) -> io::Result<()> {
    writeln!(out, "berth {role} listens on {}", url(address))?;
    out.flush()
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
