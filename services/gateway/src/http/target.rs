//! Which instance a request for another server names, read from its target as it came.
//!
//! A proxy asks about a path that it then sends on. Both must read the same instance in it, so whatever two servers
//! could read in two ways is refused: dots, slashes that are encoded, segments that are empty, and a second name in the
//! query, which Evolution API would prefer to the path's.

use thiserror::Error;

use super::percent_decoded;

/// The parameters by which Evolution API lets a query name another instance than the path.
const OTHER_NAMES: [&str; 2] = ["instancename", "instanceid"];

/// A target names no instance, or could be read as naming two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum TargetError {
    /// It is no path.
    #[error("the target is not a path")]
    NotAPath,
    /// It has fewer segments.
    #[error("the path has no segment at that place")]
    Missing,
    /// A segment is empty, or is or hides a dot segment, a slash or a control character.
    #[error("the path has a segment that could be read in two ways")]
    Ambiguous,
    /// The query names an instance too.
    #[error("the query names an instance beside the path's")]
    SecondName,
}

/// The text of the segment at this place of a target, counted from 1.
pub(crate) fn segment_of(target: &str, place: usize) -> Result<String, TargetError> {
    let at = place.checked_sub(1).ok_or(TargetError::Missing)?;
    segments_of(target)?.into_iter().nth(at).ok_or(TargetError::Missing)
}

/// The texts of the segments of a target's path, as every server reads them; a slash at the end counts for nothing.
pub(crate) fn segments_of(target: &str) -> Result<Vec<String>, TargetError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let names_another = |name: &str| OTHER_NAMES.iter().any(|other| name.to_lowercase().contains(other));
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| names_another(&name)) {
        return Err(TargetError::SecondName);
    }
    let path = path.strip_prefix('/').ok_or(TargetError::NotAPath)?;
    path.strip_suffix('/').unwrap_or(path).split('/').map(plain).collect()
}

/// A segment without its percent-encoding, if every server reads the same in it.
fn plain(segment: &str) -> Result<String, TargetError> {
    let decoded = percent_decoded(segment).ok_or(TargetError::Ambiguous)?;
    // One that decodes twice would read something else again.
    let twice = percent_decoded(&decoded).unwrap_or_else(|| decoded.clone());
    let is_ambiguous = |text: &str| {
        matches!(text, "" | "." | "..") || text.chars().any(|c| matches!(c, '/' | '\\') || c.is_control())
    };
    if is_ambiguous(&decoded) || is_ambiguous(&twice) {
        return Err(TargetError::Ambiguous);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_the_segment_at_its_place() {
        for (target, name) in [
            ("/message/sendText/shop", "shop"),
            ("/message/sendText/shop/", "shop"),
            ("/message/sendText/shop%20two?delay=1", "shop two"),
            ("/group/info/caf%C3%A9/more?x=instance", "café"),
        ] {
            assert_eq!(segment_of(target, 3).as_deref(), Ok(name), "{target}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        use TargetError::{Ambiguous, Missing, NotAPath, SecondName};
        for (target, error) in [
            ("message/sendText/shop", NotAPath),
            ("", NotAPath),
            ("/message/sendText", Missing),
            ("/message//sendText/shop", Ambiguous),
            ("/message/../sendText/shop", Ambiguous),
            ("/message/sendText/shop/..", Ambiguous),
            ("/message/sendText/%2e%2E", Ambiguous),
            ("/message/sendText/%252e%252e", Ambiguous),
            ("/message/sendText/shop%2Fother", Ambiguous),
            ("/message/sendText/shop%5cother", Ambiguous),
            ("/message/sendText/shop%252f..%252fother", Ambiguous),
            ("/message/sendText/shop%00", Ambiguous),
            ("/message/sendText/%ff", Ambiguous),
            ("/message/sendText/shop?instanceName=other", SecondName),
            ("/message/sendText/shop?instanceId=0190", SecondName),
            ("/message/sendText/shop?x=1&instance%4eame[]=other", SecondName),
            ("/message/sendText/shop?[instanceName]=other", SecondName),
        ] {
            assert_eq!(segment_of(target, 3), Err(error), "{target}");
        }
        assert_eq!(segment_of("/message/sendText/shop", 0), Err(Missing));
    }
}
