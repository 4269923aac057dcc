//! How a receiver checks what it is sent: the programs of `docs/receivers.md`, which a test runs as they stand there.

use std::sync::LazyLock;

/// The page that has them.
const PAGE: &str = include_str!("../../../docs/receivers.md");
/// The sections of the page that are shown, each with the mark of its program.
const LANGUAGES: [(&str, &str); 4] =
    [("Python", "python"), ("Node.js", "js"), ("Go", "go"), ("Rust", "rust")];

/// A program that receives notices and believes those that were signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// Its language, as people call it.
    pub(crate) language: &'static str,
    /// The same as an id.
    pub(crate) id: &'static str,
    /// What has to be installed first, if that is one command.
    pub(crate) install: Option<&'static str>,
    pub(crate) program: &'static str,
}

/// One for each language.
pub(crate) fn all() -> &'static [Snippet] {
    static ALL: LazyLock<Vec<Snippet>> =
        LazyLock::new(|| LANGUAGES.iter().filter_map(|(language, id)| Snippet::of(language, id)).collect());
    &ALL
}

impl Snippet {
    fn of(language: &'static str, id: &'static str) -> Option<Self> {
        let section =
            PAGE.split("\n## ").find_map(|section| section.strip_prefix(language)?.strip_prefix('\n'))?;
        let (before, rest) = section.split_once(&format!("\n```{id}\n"))?;
        let (program, _) = rest.split_once("\n```")?;
        let install = before.trim().strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        Some(Self { language, id, install: install.filter(|text| !text.contains('`')), program })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_page_has_its_program() {
        let found: Vec<&str> = all().iter().map(|snippet| snippet.language).collect();
        assert_eq!(found, LANGUAGES.map(|(language, _)| language));
        for snippet in all() {
            assert!(snippet.program.contains("WEBHOOK_SECRET") && !snippet.program.contains("```"));
        }
        assert_eq!(all()[0].install, Some("pip install standardwebhooks"));
        assert_eq!(all()[2].install, None);
    }
}
