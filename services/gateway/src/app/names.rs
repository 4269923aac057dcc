//! What a name, a token and a phone number may be.

use std::net::IpAddr;

use berth_proto::{InstanceId, limits::NAME_CHARS_MAX};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Words that stand in the place of a name in the paths of the Mega dialect: an instance of such a name could
/// not be reached there.
const RESERVED: [&str; 5] = ["init", "list", "pairingCode", "qrcode", "qrcode_base64"];
/// Characters of a token.
const TOKEN_CHARS_MAX: usize = 256;
/// Digits of a phone number in international form (ITU-T E.164 allows 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A text is not what it should be; says what is expected and never what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidName(pub &'static str);

/// The name in normal form C, if an instance may have it.
///
/// 1 to 128 characters without control characters, slashes or white space at the ends; not a text that an
/// id could be, not `.` or `..`, which clients remove from paths, and not a word that a path has in its place.
pub fn check_name(name: &str) -> Result<String, InvalidName> {
    let name: String = name.nfc().collect();
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
    if name.trim() != name {
        return Err(InvalidName("a name has no white space at its ends"));
    }
    if name == "." || name == ".." {
        return Err(InvalidName("a name is not `.` or `..`"));
    }
    if RESERVED.contains(&name.as_str()) {
        return Err(InvalidName(
            "a name is not a word of a path: init, list, pairingCode, qrcode, qrcode_base64",
        ));
    }
    if name.parse::<InstanceId>().is_ok() {
        return Err(InvalidName("a name must not look like an id"));
    }
    Ok(name)
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
pub(super) fn address_bucket(address: IpAddr) -> String {
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
        for name in
            ["", " a", "a\t", "a/b", "a\\b", "a\u{0}b", "a\nb", ".", "..", "list", "qrcode", &long, &id]
        {
            assert!(check_name(name).is_err(), "{name:?}");
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
