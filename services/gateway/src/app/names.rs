//! What a name, a token and a phone number may be.

use std::net::IpAddr;

use berth_proto::{InstanceId, limits::NAME_CHARS_MAX};
use icu_properties::{
    CodePointSetData, CodePointSetDataBorrowed,
    props::{EmojiModifier, EmojiPresentation, ExtendedPictographic},
};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// Characters of a token.
const TOKEN_CHARS_MAX: usize = 256;
/// Digits of a phone number in international form (ITU-T E.164 allows 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Characters of a hyphenated UUID.
const UUID_CHARS: usize = 36;

/// Joins two pictures to one.
const JOINER: char = '\u{200d}';
/// Has the character before it shown as a picture.
const AS_PICTURE: char = '\u{fe0f}';
/// Puts the character before it on a key.
const ON_A_KEY: char = '\u{20e3}';
/// Pictures.
const PICTURES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<ExtendedPictographic>();
/// Those of them that are shown as pictures without being told.
const ALWAYS_PICTURES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiPresentation>();
/// Colours of skin, which stand after a picture.
const SKINS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifier>();

/// A text is not what it should be; says what is expected and never what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidName(pub &'static str);

/// The name in normal form C, if an instance or an account may have it: a text as [`check_foreign_id`] takes it, and no
/// hyphenated UUID, which is how some doors write our ids: in a path the id would be meant.
pub fn check_name(name: &str) -> Result<String, InvalidName> {
    let name = check_foreign_id(name)?;
    match as_uuid(&name) {
        None => Ok(name),
        Some(_) => Err(InvalidName("a name must not look like an id: a hyphenated UUID is one")),
    }
}

/// The text in normal form C, if an instance may have it as a foreign id, which many clients make as UUIDs.
///
/// 1 to 128 characters without control characters, characters that nobody sees, slashes or white space at the
/// ends; not a text that an id could be, and not `.` or `..`, which clients remove from paths. A word that stands in
/// the place of a name in some path, such as Mega's `list`, is a name: there it is reached by id or number.
pub fn check_foreign_id(name: &str) -> Result<String, InvalidName> {
    let name: String = if name.is_ascii() { name.to_owned() } else { name.nfc().collect() };
    if name.parse::<InstanceId>().is_ok() {
        return Err(InvalidName("a name must not look like an id"));
    }
    let length = name.chars().count();
    if length == 0 {
        return Err(InvalidName("a name must not be empty"));
    }
    if length > NAME_CHARS_MAX {
        return Err(InvalidName("a name has at most 128 characters"));
    }
    if name.chars().any(|c| c.is_control() || c == '/' || c == '\\') {
        return Err(InvalidName("a name has no slashes and no control characters"));
    }
    if !name.is_ascii() && has_invisible(&name) {
        return Err(InvalidName(
            "a name has no invisible characters and none that turn the direction of writing",
        ));
    }
    if name.trim() != name {
        return Err(InvalidName("a name has no white space at its ends"));
    }
    if name == "." || name == ".." {
        return Err(InvalidName("a name is not `.` or `..`"));
    }
    Ok(name)
}

/// The UUID that a text is in its hyphenated form, in any case. The other forms that UUIDs are written in are names.
pub fn as_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == UUID_CHARS)
}

/// Whether a name has a character that shows nothing where it stands.
fn has_invisible(name: &str) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let mut at = 0..chars.len();
    at.any(|at| chars.get(at).is_some_and(|c| is_invisible(*c)) && !is_seen_in_emoji(&chars, at))
}

/// Whether a character that is invisible elsewhere changes a picture here (Unicode UTS #51): a joiner between two
/// pictures, or a selector after what is shown as text without it.
fn is_seen_in_emoji(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or_default();
    let after = chars.get(at + 1).copied().unwrap_or_default();
    match chars.get(at) {
        Some(&JOINER) => {
            // A selector before it is looked at by itself.
            let ends = PICTURES.contains(before) || SKINS.contains(before) || before == AS_PICTURE;
            ends && PICTURES.contains(after)
        }
        Some(&AS_PICTURE) if matches!(before, '0'..='9' | '#' | '*') => after == ON_A_KEY,
        Some(&AS_PICTURE) => PICTURES.contains(before) && !ALWAYS_PICTURES.contains(before),
        _ => false,
    }
}

/// Whether a character makes two names look alike that are not: it shows nothing, or it turns the direction in
/// which what follows is shown (Unicode UAX #9, UTS #39). Joiners and selectors are among them, but in emoji: scripts
/// that need one to be read are refused it, since beside other letters it shows nothing.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a text may be a token: 1 to 256 visible ASCII characters.
pub fn check_token(token: &str) -> Result<(), InvalidName> {
    if token.is_empty() || token.len() > TOKEN_CHARS_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(InvalidName("a token is 1 to 256 visible ASCII characters"));
    }
    Ok(())
}

/// Whether a text is a phone number: 7 to 15 digits, with the country's code and without `+` or `00`.
pub fn check_phone(phone: &str) -> Result<(), InvalidName> {
    let digits = phone.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !PHONE_DIGITS.contains(&phone.len()) || phone.starts_with('0') {
        return Err(InvalidName("a phone number is 7 to 15 digits with the country's code and without +"));
    }
    Ok(())
}

/// The address that a limit for callers without a valid token counts by: a whole /64 in IPv6.
pub fn address_bucket(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:08x}", u32::from(address)),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => format!("{:08x}", u32::from(mapped)),
            None => format!("{:016x}", u128::from(address) >> 64),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_route_can_carry_are_accepted() {
        for name in ["a", "my instance", "João", "5511987654", "名前", "a*b>c", "a..b", "%2F"] {
            assert_eq!(check_name(name).as_deref(), Ok(name));
        }
        assert_eq!(check_name("Joa\u{303}o").as_deref(), Ok("João"), "one form for what looks the same");
    }

    #[test]
    fn names_that_some_route_cannot_carry_are_refused() {
        let long = "x".repeat(129);
        let id = InstanceId::from_bytes([7; 16]).to_string();
        for name in ["", " a", "a\t", "a/b", "a\\b", "a\u{0}b", "a\nb", ".", "..", &long, &id] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for c in
            ['\u{200b}', '\u{200d}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}', '\u{2028}']
        {
            let name = format!("a{c}b");
            assert!(check_name(&name).is_err_and(|e| e.0.contains("invisible")), "{name:?}");
        }
        assert!(check_name("e\u{301}\u{327}").is_ok(), "marks that are seen stay");
    }

    #[test]
    fn emoji_are_names_with_all_that_they_are_made_of() {
        for name in [
            "👨\u{200d}👩\u{200d}👧 Silva",
            "👩🏽\u{200d}🚀",
            "👩\u{200d}⚕\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}\u{200d}🔥",
            "shop 1\u{fe0f}\u{20e3}",
            "🇧🇷",
            "👍🏿",
        ] {
            assert_eq!(check_name(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn joiners_and_selectors_that_change_nothing_are_refused() {
        for name in [
            "\u{200d}👩",
            "👩\u{200d}",
            "👩\u{200d}a",
            "a\u{200d}👩",
            "👩\u{200d}\u{200d}👧",
            "a\u{fe0f}",
            "1\u{fe0f}",
            "1\u{fe0f}\u{200d}👩",
            "👩\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "❤\u{fe0e}",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
        ] {
            assert!(check_name(name).is_err_and(|e| e.0.contains("invisible")), "{name:?}");
        }
    }

    #[test]
    fn a_hyphenated_uuid_is_no_name() {
        let uuid = "0192f3a4-5b6c-7d8e-9fab-0c1d2e3f4a5b";
        for name in [uuid.to_owned(), uuid.to_uppercase(), Uuid::nil().to_string()] {
            assert!(check_name(&name).is_err_and(|e| e.0.contains("UUID")), "{name:?}");
        }
        for name in [uuid.replace('-', ""), format!("{{{uuid}}}"), uuid.replace('f', "g")] {
            assert_eq!(check_name(&name).as_deref(), Ok(name.as_str()));
        }
    }

    #[test]
    fn phones_are_digits_with_the_country() {
        assert!(check_phone("5511987654321").is_ok());
        for phone in
            ["", "+5511987654321", "55 11", "123456", "0123456789", "1234567890123456", "55a1987654321"]
        {
            assert!(check_phone(phone).is_err(), "{phone:?}");
        }
    }
}
