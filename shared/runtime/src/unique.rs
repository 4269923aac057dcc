//! What is unique, and where: the kinds of keys that the directory has entries for.

/// A kind of key that is unique in the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// A token, of an account or an instance.
    Token,
    /// An instance's number.
    Number,
    /// An account's name.
    AccountName,
    /// The command by which the operator made an account: no entry, but the id of that account.
    AccountId,
    /// An idempotency key of the operator: no entry, but the id of the command.
    RootCommand,
}

/// A kind of key that is unique in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UniqueInAccount {
    /// An instance's name.
    Name,
    /// An instance's foreign id.
    Alias,
    /// The idempotency key of a create.
    Creation,
}

/// The word for names at an upstream, which are unique there whichever account an instance belongs to: it stands in the hash of
/// their entries, as [`Unique`] has it.
pub(crate) const NAME_AT_UPSTREAM: &str = "name_at_upstream";

impl Unique {
    /// The word that stands in the hash: it is stored with every entry and never changes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Number => "number",
            Self::AccountName => "account_name",
            Self::AccountId => "account_id",
            Self::RootCommand => "root_command",
        }
    }
}

impl UniqueInAccount {
    /// The word that stands in the hash, as [`Unique`] has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Alias => "alias",
            Self::Creation => "creation",
        }
    }
}
