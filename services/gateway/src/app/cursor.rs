//! Where a client was in the events of its account, as a text that it may keep.
//!
//! A place is one in the whole log, so it would tell how much happens in the accounts of others, and one that somebody
//! made up could ask for anything. So it is sealed under the key of the account: nobody reads it, and nobody else uses it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_log::Position;
use berth_proto::{AccountId, Sealed};
use berth_runtime::{DataKey, sealing::field};

/// First byte of what is sealed: another one is from another release.
const VERSION: u8 = 1;

/// The cursor of a place; none if it cannot be written.
pub(super) fn write(key: &DataKey, account: AccountId, position: &Position) -> Option<String> {
    let bytes = postcard::to_extend(position, vec![VERSION]).ok()?;
    Some(URL_SAFE_NO_PAD.encode(key.seal(account.as_bytes(), field::CURSOR, &bytes).0))
}

/// The place of a cursor; none if it is not one of this account.
pub(super) fn read(key: &DataKey, account: AccountId, text: &str) -> Option<Position> {
    let sealed = Sealed(URL_SAFE_NO_PAD.decode(text).ok()?);
    let bytes = key.open(account.as_bytes(), field::CURSOR, &sealed).ok()?;
    let (version, position) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    match postcard::take_from_bytes(position) {
        Ok((position, [])) => Some(position),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use berth_log::ShardPosition;
    use berth_runtime::SeededEntropy;

    use super::*;

    const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

    #[test]
    fn a_cursor_is_read_by_its_account_alone_and_only_as_it_was_written() {
        let entropy = SeededEntropy::new(1);
        let (key, other) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
        let mut position = Position::default();
        position.advance(0, ShardPosition { incarnation: u64::MAX, revision: 7 });
        position.advance(3, ShardPosition { incarnation: 1, revision: u64::MAX });
        let cursor = write(&key, ACCOUNT, &position).unwrap();
        assert_eq!(read(&key, ACCOUNT, &cursor), Some(position));
        assert_eq!(read(&other, ACCOUNT, &cursor), None);
        assert_eq!(read(&key, AccountId::from_bytes([2; 16]), &cursor), None);
        for (at, letter) in cursor.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
            assert_eq!(read(&key, ACCOUNT, &changed), None, "changed at {at}");
        }
        for text in ["", "7", "AA", "not base64!", &cursor[1..], &format!("{cursor}AAAA")] {
            assert_eq!(read(&key, ACCOUNT, text), None, "{text}");
        }
    }
}
