//! The bounds of what may stand on the wire. A writer checks them before, a reader after.

/// Webhook endpoints of one instance, besides those of its account.
pub const WEBHOOKS_MAX: usize = 20;
/// Encoded configuration of an instance's own webhooks, in bytes: it rides in every commit.
pub const WEBHOOK_CONFIG_BYTES_MAX: usize = 16 * 1024;
/// Webhook endpoints of one account: each of its instances has them besides its own.
pub const ACCOUNT_WEBHOOKS_MAX: usize = 4;
/// Encoded configuration of an account's webhooks, in bytes: it rides in every commit of its instances.
pub const ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX: usize = 16 * 1024;
/// Endpoints of one account that hear all of its instances without being copied to them.
pub const ACCOUNT_WIDE_WEBHOOKS_MAX: usize = 20;
/// Encoded configuration of these, in bytes: it rides in every commit of the account.
pub const ACCOUNT_WIDE_WEBHOOK_CONFIG_BYTES_MAX: usize = 16 * 1024;
/// Encoded state carried by a commit, in bytes.
pub const STATE_BYTES_MAX: usize = 64 * 1024;
/// One encoded commit, in bytes.
pub const COMMIT_BYTES_MAX: usize = 256 * 1024;
/// One encoded command or reply, in bytes.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// Receipts of keyed commands that an instance remembers: the documented reach of an `Idempotency-Key`.
pub const KEYED_RECEIPTS_MAX: usize = 32;
/// Receipts of commands without a key that an instance remembers, so that a gateway's own retry is safe.
pub const UNKEYED_RECEIPTS_MAX: usize = 8;
/// Unlinks that an instance pursues at once.
pub const UNLINKS_MAX: usize = 4;
/// Commits in a row that may go without a state: as far back the last whole one is at most.
pub const COMMITS_WITHOUT_STATE_MAX: u64 = 32;
/// Commands that are drained into one commit.
pub const RECEIPTS_PER_COMMIT_MAX: usize = 64;
/// Characters of an instance's name.
pub const NAME_CHARS_MAX: usize = 128;
/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;
/// Opaque settings blocks (one per dialect) of an instance.
pub const SETTINGS_BLOCKS_MAX: usize = 8;
/// Bytes of the body of a message event that is handed on: with its envelope it is a message of NATS, which takes one MiB
/// unless it is told otherwise.
pub const LETTER_BYTES_MAX: usize = 960 * 1024;
/// Bytes of what goes with it, and of what sealing adds.
pub const LETTER_ENVELOPE_BYTES_MAX: usize = 4 * 1024;
