//! Paths of this dialect.

use crate::http::percent_decoded;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// A method of an instance.
    Instance(InstancePath),
    /// A method of the partner API.
    Partner {
        /// In lower case.
        method: String,
        /// The method as it was written.
        written: String,
        /// The partner's token.
        token: String,
    },
}

/// A method of an instance.
#[derive(PartialEq, Eq)]
pub(super) struct InstancePath {
    /// The number as it was written.
    pub(super) number: String,
    /// In lower case.
    pub(super) method: String,
    /// The method as it was written.
    pub(super) written: String,
    /// The instance's or the account's token.
    pub(super) token: String,
    /// What stands behind the token, for example a receipt.
    pub(super) rest: Option<String>,
}

impl std::fmt::Debug for InstancePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl InstancePath {
    /// The path without its token, for an error.
    pub(super) fn redacted(&self) -> String {
        format!("/waInstance{}/{}/{{apiTokenInstance}}", self.number, self.written)
    }
}

impl Path {
    /// Reads a path; none if it is not one of this dialect's.
    pub(super) fn read(path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .trim_start_matches('/')
            .trim_end_matches('/')
            .split('/')
            .map(percent_decoded)
            .collect::<Option<_>>()?;
        let mut segments = segments.into_iter();
        let (first, written, token) = (segments.next()?, segments.next()?, segments.next()?);
        let rest = segments.next();
        if segments.next().is_some() {
            return None;
        }
        let method = written.to_ascii_lowercase();
        if first == "partner" && rest.is_none() {
            return Some(Self::Partner { method, written, token });
        }
        let number = first.strip_prefix("waInstance")?.to_owned();
        Some(Self::Instance(InstancePath { number, method, written, token, rest }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_in_any_case_and_never_shown_with_their_token() {
        let Some(Path::Instance(path)) = Path::read("/waInstance1101000001/GetStateInstance/s3cret") else {
            panic!("a path of an instance");
        };
        assert_eq!((path.number.as_str(), path.method.as_str()), ("1101000001", "getstateinstance"));
        assert!(!path.redacted().contains("s3cret") && !format!("{path:?}").contains("s3cret"));
        assert_eq!(
            Path::read("/partner/getInstances/t"),
            Some(Path::Partner {
                method: "getinstances".to_owned(),
                written: "getInstances".to_owned(),
                token: "t".to_owned(),
            })
        );
        assert_eq!(Path::read("/waInstance1/logout"), None);
        assert_eq!(Path::read("/waInstance1/logout/t/r/x"), None);
    }
}
