//! `berthctl instance qr`

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use serde_json::Value;

use super::path;
use crate::{
    failure::Failure,
    http::{Answer, Ask, tell},
    json::Fields,
    output::{Drawing, clean, moment},
    session::Session,
};

/// Lines above and below a code.
const LINES_BESIDE: usize = 2;
/// How a data URL of a picture begins.
const PNG_URL: &str = "data:image/png;base64,";

/// Show the code that can be scanned now, or save its picture.
#[derive(Debug, Args)]
pub(crate) struct Qr {
    /// Its id, name or number.
    instance: String,
    /// Save the picture in this file instead of drawing it.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Draw for a terminal that is light and has no colours.
    #[arg(long)]
    invert: bool,
}

impl Qr {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let code = live(session, &self.instance).await?.body;
        if let Some(file) = self.png {
            return save(&code, &file);
        }
        if !session.out.is_table() {
            return session.out.one(&code, None, &[]);
        }
        draw(session, &code, self.invert)?;
        session.out.line(&format!("Code {}, until {} UTC.", code.at("index"), moment(code.at("expires_at"))))
    }
}

/// The code that can be scanned now.
pub(super) async fn live(session: &Session, instance: &str) -> Result<Answer, Failure> {
    let [v1, instances, instance] = path(instance)?;
    let ask = Ask::get(&[v1, instances, instance, "qr"]).header("accept", "application/json");
    session.client.send(ask).await
}

/// Saves the picture of a code.
pub(super) fn save(code: &Value, file: &Path) -> Result<(), Failure> {
    let picture = code.at("png").as_str().and_then(|url| STANDARD.decode(url.strip_prefix(PNG_URL)?).ok());
    let failed = |what: String| Failure::File {
        path: file.to_owned(),
        what,
        advice: "`berthctl instance qr` shows the code again while it lives.".to_owned(),
    };
    let picture = picture.ok_or_else(|| failed("gets no picture: the answer has none".to_owned()))?;
    fs::write(file, picture).map_err(|error| failed(format!("cannot be written: {error}")))?;
    tell(&format!("the picture of code {} is in {}", code.at("index"), file.display()));
    Ok(())
}

/// Draws a code; gives the number of its lines. Where it does not fit its text stands instead.
pub(super) fn draw(session: &Session, code: &Value, inverted: bool) -> Result<usize, Failure> {
    let (out, text) = (&session.out, code.text("text"));
    let drawing = Drawing::of(text, out.colored, inverted);
    let Some(drawing) = drawing else {
        out.line(&clean(text))?;
        return Ok(1);
    };
    let needed = (drawing.columns, drawing.lines.len() + LINES_BESIDE);
    if let Some((columns, lines)) = out.size.filter(|size| size.0 < needed.0 || size.1 < needed.1) {
        let note = format!(
            "The code needs {} columns and {} lines, and this terminal has {columns} and {lines}: make it larger or \
             its letters smaller, or use --png FILE.",
            needed.0, needed.1
        );
        out.line(&note)?;
        // The note and where the terminal breaks it.
        return Ok(note.chars().count().div_ceil(columns.max(1)));
    }
    out.raw(&format!("{}\n", drawing.lines.join("\n")))?;
    Ok(drawing.lines.len())
}
