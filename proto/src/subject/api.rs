//! What programs of customers ask: see [`ApiSubject`].

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::ids::AccountId;

/// The filter of every [`ApiSubject`].
pub const API_FILTER: &str = "berth.v1.api.*.*.*";
/// What each of them begins with.
const BEGIN: &str = "berth.v1.api.";

/// What is asked of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVerb {
    /// To link a device.
    Connect,
    /// To open the link that there is.
    Reconnect,
    /// To close the connection and open it again.
    Restart,
    /// To close the connection and keep the link.
    Disconnect,
    /// To end the session.
    Logout,
    /// How it stands.
    Get,
}

/// `berth.v1.api.<account>.<verb>.<instance>`: NATS lets the programs of an account ask on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSubject {
    /// Whose program asks.
    pub account: AccountId,
    /// For what.
    pub verb: ApiVerb,
    /// Of which instance: its id, or a name or number that is a token of a subject.
    pub instance: String,
}

/// The subject is no request of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a request: `berth.v1.api.<account>.<verb>.<instance>` is expected")]
pub struct InvalidApiSubject;

impl ApiVerb {
    /// Every verb.
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Reconnect, Self::Restart, Self::Disconnect, Self::Logout, Self::Get];

    /// The word in the subject.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
            Self::Disconnect => "disconnect",
            Self::Logout => "logout",
            Self::Get => "get",
        }
    }
}

impl fmt::Display for ApiVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ApiSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, verb, instance } = self;
        write!(f, "{BEGIN}{account}.{verb}.{instance}")
    }
}

impl FromStr for ApiSubject {
    type Err = InvalidApiSubject;

    fn from_str(text: &str) -> Result<Self, InvalidApiSubject> {
        let mut tokens = text.strip_prefix(BEGIN).ok_or(InvalidApiSubject)?.split('.');
        let (Some(account), Some(verb), Some(instance), None) =
            (tokens.next(), tokens.next(), tokens.next(), tokens.next())
        else {
            return Err(InvalidApiSubject);
        };
        Ok(Self {
            account: account.parse().map_err(|_| InvalidApiSubject)?,
            verb: ApiVerb::ALL.into_iter().find(|it| it.as_str() == verb).ok_or(InvalidApiSubject)?,
            instance: Some(instance.to_owned()).filter(|it| !it.is_empty()).ok_or(InvalidApiSubject)?,
        })
    }
}
