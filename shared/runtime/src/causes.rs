//! An error and what is behind it, as one sentence.

use std::error::Error;

/// The message of an error and of everything behind it. A transparent error, which repeats its source, is told once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}
