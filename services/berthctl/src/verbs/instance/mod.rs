//! `berthctl instance …`

mod connect;
mod counts;
mod create;
mod get;
mod lifecycle;
mod list;
mod qr;
mod remove;
mod rename;
mod rotate_token;
mod watch;

use clap::Subcommand;
use serde_json::Value;

use crate::{
    failure::Failure,
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
};

/// What can be done with instances.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "list")]
    Ls(list::List),
    /// Show how many are in each state.
    Counts(counts::Counts),
    /// Show one, now or as it was.
    #[command(visible_alias = "show")]
    Get(get::Get),
    /// Make one.
    Create(create::Create),
    /// Link a device: draws the QR code and waits for the scan.
    Connect(connect::Connect),
    /// Show or save the code that can be scanned now.
    Qr(qr::Qr),
    /// End the session and unlink the device; the instance stays.
    Logout(lifecycle::Logout),
    /// Close the connection and keep the link.
    Disconnect(lifecycle::Disconnect),
    /// Open the connection of a link that there is.
    Reconnect(lifecycle::Reconnect),
    /// Close the connection and open it again.
    Restart(lifecycle::Restart),
    /// Give one another name.
    Rename(rename::Rename),
    /// Give one another token.
    RotateToken(rotate_token::RotateToken),
    /// Delete them and erase their personal data.
    #[command(visible_alias = "delete")]
    Rm(remove::Remove),
    /// Tell of each change of one, until it is as wanted.
    Watch(watch::Watch),
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls(verb) => verb.run(session).await,
            Self::Counts(verb) => verb.run(session).await,
            Self::Get(verb) => verb.run(session).await,
            Self::Create(verb) => verb.run(session).await,
            Self::Connect(verb) => verb.run(session).await,
            Self::Qr(verb) => verb.run(session).await,
            Self::Logout(verb) => verb.run(session).await,
            Self::Disconnect(verb) => verb.run(session).await,
            Self::Reconnect(verb) => verb.run(session).await,
            Self::Restart(verb) => verb.run(session).await,
            Self::Rename(verb) => verb.run(session).await,
            Self::RotateToken(verb) => verb.run(session).await,
            Self::Rm(verb) => verb.run(session).await,
            Self::Watch(verb) => verb.run(session).await,
        }
    }
}

/// The path of an instance.
fn path(name: &str) -> Result<[&str; 3], Failure> {
    Ok(["v1", "instances", super::named(name)?])
}

/// A line of a list.
const ROW: [Column; 6] = [
    Column { head: "name", cell: name },
    Column { head: "number", cell: |instance| plain(instance.at("number")) },
    Column { head: "state", cell: state },
    Column { head: "device", cell: device },
    Column { head: "webhooks", cell: |instance| plain(instance.at("webhooks")) },
    Column { head: "changed (UTC)", cell: |instance| moment(instance.at("updated_at")) },
];

/// What is to be known of one beside its sentence.
const CARD: [Column; 12] = [
    Column { head: "name", cell: |instance| plain(instance.at("name")) },
    Column { head: "id", cell: |instance| plain(instance.at("id")) },
    Column { head: "number", cell: |instance| plain(instance.at("number")) },
    Column { head: "state", cell: state },
    Column { head: "webhooks", cell: |instance| plain(instance.at("webhooks")) },
    Column { head: "device", cell: |instance| plain(instance.at("device").at("jid")) },
    Column { head: "session", cell: |instance| plain(instance.at("session")) },
    Column { head: "created", cell: |instance| moment(instance.at("created_at")) },
    Column { head: "changed", cell: |instance| moment(instance.at("updated_at")) },
    Column { head: "version", cell: |instance| plain(instance.at("version")) },
    Column { head: "token", cell: |instance| plain(instance.at("token")) },
    Column { head: "webhook secrets", cell: webhook_secrets },
];

fn name(instance: &Value) -> String {
    match plain(instance.at("name")) {
        erased if erased.is_empty() => plain(instance.at("id")),
        name => name,
    }
}

fn state(instance: &Value) -> String {
    let detail = match (instance.at("connection"), instance.at("pause").at("reason")) {
        (Value::Null, Value::Null) => return plain(instance.at("state")),
        (Value::Null, reason) => reason,
        (connection, _) => connection,
    };
    format!("{} ({})", plain(instance.at("state")), plain(detail))
}

fn device(instance: &Value) -> String {
    match (plain(instance.at("device").at("phone")), plain(instance.at("device").at("push_name"))) {
        (phone, _) if phone.is_empty() => String::new(),
        (phone, name) if name.is_empty() => format!("+{phone}"),
        (phone, name) => format!("+{phone} {name}"),
    }
}

fn webhook_secrets(instance: &Value) -> String {
    let secrets = instance.list("webhook_secrets");
    let one = |secret: &Value| format!("{} {}", plain(secret.at("id")), plain(secret.at("secret")));
    secrets.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Shows an instance as an answer has it.
fn show(session: &Session, instance: &Value) -> Result<(), Failure> {
    session.out.one(instance, Some(&crate::output::sentence(instance)), &CARD)
}
