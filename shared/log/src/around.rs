//! Reading a stream around rows that the store cannot give: a page is refused for the sake of one row.

use berth_proto::StreamKey;

use crate::port::{LogRead, ReadError, Stored};

/// What stands at a place of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A commit as it was read; its bytes may still be damaged.
    Commit(Stored),
    /// The commit with this version cannot be given.
    Damaged(u64),
}

/// As [`LogRead::read`], with a mark at each place whose row is damaged. If even the place of the last commit is not
/// known, nobody knows where the stream ends, and reading ends with the first mark.
pub async fn read_around(
    log: &dyn LogRead,
    stream: &StreamKey,
    after_version: u64,
    limit: usize,
) -> Result<Vec<Place>, ReadError> {
    match log.read(stream, after_version, limit).await {
        Err(ReadError::Damaged(_)) => {}
        page => return Ok(page?.into_iter().map(Place::Commit).collect()),
    }
    let end = match log.tail_place(stream).await {
        Ok(tail) => Some(tail.map_or(0, |tail| tail.version)),
        Err(ReadError::Damaged(_)) => None,
        Err(error) => return Err(error),
    };
    let mut places = Vec::new();
    let mut version = after_version;
    while places.len() < limit && end.is_none_or(|end| version < end) {
        match log.read(stream, version, 1).await {
            Ok(page) if page.is_empty() => break,
            Ok(page) => places.extend(page.into_iter().map(Place::Commit)),
            Err(ReadError::Damaged(_)) => {
                places.push(Place::Damaged(version + 1));
                if end.is_none() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
        version += 1;
    }
    Ok(places)
}
