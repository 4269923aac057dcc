//! Texts in the reader's language: Fluent files under `locales/`, which people without Rust can edit.

use std::sync::LazyLock;

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use tracing::error;
use unic_langid::LanguageIdentifier;

use crate::session::cookie;

/// The cookie that remembers a chosen language.
pub(crate) const COOKIE: &str = "berth-console-language";

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Portuguese,
    Spanish,
}

impl Language {
    /// Every language, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::Portuguese, Self::Spanish];

    /// Its tag, for `lang`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Portuguese => "pt-BR",
            Self::Spanish => "es",
        }
    }

    /// Its own name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Portuguese => "Português",
            Self::Spanish => "Español",
        }
    }

    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// By the cookie, else by the first language of the browser that we have.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut ranked: Vec<(i32, &str)> = accepted.split(',').map(ranked).collect();
        ranked.sort_by_key(|(quality, _)| -quality);
        let spoken = ranked.into_iter().find_map(|(_, range)| {
            let primary = range.split('-').next().unwrap_or_default().to_ascii_lowercase();
            Self::ALL.into_iter().find(|language| language.tag().split('-').next() == Some(&primary))
        });
        cookie(headers, COOKIE).and_then(Self::of_tag).or(spoken).unwrap_or(Self::English)
    }

    const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../locales/en.ftl"),
            Self::Portuguese => include_str!("../locales/pt-BR.ftl"),
            Self::Spanish => include_str!("../locales/es.ftl"),
        }
    }

    fn bundle(self) -> FluentBundle<FluentResource> {
        let locale: LanguageIdentifier = self.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // The marks around values are for mixed directions of writing; these languages have one.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(self.source().to_owned()).unwrap_or_else(|(rest, errors)| {
            error!(?errors, language = self.tag(), "texts cannot be read");
            rest
        });
        if let Err(errors) = bundle.add_resource(resource) {
            error!(?errors, language = self.tag(), "texts are there twice");
        }
        bundle
    }
}

/// A range of `Accept-Language` and its quality in thousandths.
fn ranked(entry: &str) -> (i32, &str) {
    let (range, quality) = entry.split_once(";q=").unwrap_or((entry, "1"));
    let quality: f32 = quality.trim().parse().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1,000")]
    let thousandths = (quality.clamp(0.0, 1.0) * 1_000.0) as i32;
    (thousandths, range.trim())
}

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> =
    LazyLock::new(|| Language::ALL.map(Language::bundle));

/// The texts of a language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts(pub(crate) Language);

impl Texts {
    /// A text without arguments.
    pub(crate) fn s(self, key: &str) -> String {
        self.f(key, &[])
    }

    /// A text with one argument.
    pub(crate) fn with(self, key: &str, name: &str, value: impl std::fmt::Display) -> String {
        self.f(key, &[(name, value.to_string())])
    }

    /// A text with arguments. A key that is not there is shown itself: a test sees to it that all are.
    pub(crate) fn f(self, key: &str, args: &[(&str, String)]) -> String {
        let Some(bundle) = BUNDLES.get(self.0 as usize) else { return key.to_owned() };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            // Numbers choose plural forms.
            let number = value.parse::<i64>().ok().filter(|_| value.len() < 10);
            values.set(*name, number.map_or_else(|| FluentValue::from(value.clone()), FluentValue::from));
        }
        bundle.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned()
    }

    /// A text if there is one with this key.
    pub(crate) fn known(self, key: &str) -> Option<String> {
        BUNDLES.get(self.0 as usize)?.get_message(key).map(|_| self.s(key))
    }

    /// The language's tag.
    pub(crate) const fn tag(self) -> &'static str {
        self.0.tag()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The keys of a language with the arguments that each names.
    fn keys(language: Language) -> BTreeSet<(String, BTreeSet<String>)> {
        let mut keys: Vec<(String, String)> = Vec::new();
        for line in language.source().lines() {
            match line.split_once(" =") {
                Some((key, text)) if !line.starts_with([' ', '#']) => {
                    keys.push((key.to_owned(), text.to_owned()));
                }
                _ => keys.last_mut().into_iter().for_each(|(_, text)| text.push_str(line)),
            }
        }
        let arguments = |text: &str| {
            let after_dollar = text.split('$').skip(1);
            let name = |it: &str| it.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            after_dollar.map(name).collect::<BTreeSet<String>>()
        };
        keys.iter().map(|(key, text)| (key.clone(), arguments(text))).collect()
    }

    #[test]
    fn every_language_has_the_same_keys_and_arguments() {
        let english = keys(Language::English);
        assert!(english.len() > 50);
        for language in Language::ALL {
            let read = FluentResource::try_new(language.source().to_owned());
            assert!(read.is_ok(), "{}", language.tag());
            let own = keys(language);
            let missing: Vec<_> = english.symmetric_difference(&own).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", language.tag());
        }
    }

    #[test]
    fn every_key_that_a_page_names_is_there() {
        let known: BTreeSet<String> = keys(Language::English).into_iter().map(|(key, _)| key).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["templates", "src", "src/pages"] {
            files.extend(fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
        }
        for file in files.into_iter().filter(|file| file.is_file()) {
            let source = fs::read_to_string(&file).unwrap();
            for call in [".s(\"", ".with(\"", ".f(\""] {
                for rest in source.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap();
                    assert!(known.contains(key), "{}: {key}", file.display());
                }
            }
        }
    }

    #[test]
    fn the_browser_chooses_the_language_until_the_person_does() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value.parse().unwrap())])
        };
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
        assert_eq!(Language::of(&headers("accept-language", "fr, pt;q=0.9, en;q=0.8")), Language::Portuguese);
        assert_eq!(Language::of(&headers("accept-language", "es-419")), Language::Spanish);
        assert_eq!(Language::of(&headers("cookie", "berth-console-language=es")), Language::Spanish);
        assert_eq!(Language::of(&headers("cookie", "berth-console-language=xx")), Language::English);
    }
}
