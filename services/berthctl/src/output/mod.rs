//! How answers are shown: tables for people, JSON for programs.

mod qr;
mod secrets;
mod table;
mod text;
mod words;

use std::{
    cell::RefCell,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use tokio::time::interval;

pub(crate) use qr::Drawing;
pub(crate) use secrets::Secrets;
pub(crate) use table::Column;
pub(crate) use text::{clean, moment, plain};
pub(crate) use words::sentence;

use crate::{
    cli::{Color, Format, Global},
    failure::Failure,
    json::Fields,
};

/// How often it is looked whether somebody still reads.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Columns and lines of a terminal that does not say how many it has; it may be high enough for a code.
const SIZE_DEFAULT: (usize, usize) = (80, usize::MAX);

/// Where and how things are shown.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: io::Stdout,
    /// The form that was asked for.
    pub(crate) format: Format,
    /// Columns and lines of the terminal; none where there may be as many as one likes.
    pub(crate) size: Option<(usize, usize)>,
    /// Whether somebody looks at a terminal.
    pub(crate) is_terminal: bool,
    /// Whether colours are shown.
    pub(crate) colored: bool,
    /// What becomes of tokens and secrets in an answer.
    secrets: RefCell<Secrets>,
}

// === impl Output ===

impl Output {
    /// As the flags and the terminal say.
    pub(crate) fn of(global: &Global) -> Result<Self, Failure> {
        let is_terminal = io::stdout().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colored = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_dumb && !no_color,
        };
        let format = global.format();
        let shown = global.show_secrets || is_terminal && format == Format::Table;
        let secrets = RefCell::new(Secrets::new(shown, global.secrets_to.clone())?);
        Ok(Self { stdout: io::stdout(), format, size: size(is_terminal), is_terminal, colored, secrets })
    }

    /// Columns of the terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.size.map(|(columns, _)| columns)
    }

    /// Whether a person reads this.
    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether lines may be written over.
    pub(crate) fn can_redraw(&self) -> bool {
        self.is_table() && self.is_terminal && self.colored
    }

    /// One line.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.stdout.lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::output)
    }

    /// Text as it is, such as what a terminal is told.
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.stdout.lock();
        write!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::output)
    }

    /// Waits until nobody reads the output any more; a terminal is read for ever. Whoever waits for something that
    /// may never happen would notice only when it is to be told.
    pub(crate) async fn closed(&self) -> Failure {
        let mut ticks = interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let mut outputs = [PollFd::new(&self.stdout, PollFlags::empty())];
            let looked = poll(&mut outputs, Some(&Timespec::default()));
            if looked.is_ok_and(|ready| ready > 0) {
                return Failure::Closed;
            }
        }
    }

    /// Says before anything is sent that what will be shown once would be lost.
    pub(crate) fn check_secrets(&self) -> Result<(), Failure> {
        self.secrets.borrow().check()
    }

    /// Several things of one kind: `whole` is the answer that they stand in.
    pub(crate) fn list(&self, whole: &Value, items: &[Value], columns: &[Column]) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.line(&pretty(whole)),
            Format::Table if items.is_empty() => self.line("Nothing."),
            Format::Table => self.raw(&table::of(items, columns, self.columns())),
            Format::Jsonl | Format::Name => items.iter().try_for_each(|item| self.item(item)),
        }
    }

    /// One thing, as one line for a program.
    pub(crate) fn item(&self, item: &Value) -> Result<(), Failure> {
        match self.format {
            Format::Name => self.line(&name_of(item)),
            _ => self.line(&item.to_string()),
        }
    }

    /// One thing: a sentence and what else is to be known of it.
    pub(crate) fn one(
        &self,
        item: &Value,
        sentence: Option<&str>,
        columns: &[Column],
    ) -> Result<(), Failure> {
        let mut item = item.clone();
        let notes = self.secrets.borrow_mut().take(&mut item)?;
        match self.format {
            Format::Json => self.line(&pretty(&item))?,
            Format::Jsonl | Format::Name => self.item(&item)?,
            Format::Table => {
                if let Some(sentence) = sentence {
                    self.line(sentence)?;
                }
                self.raw(&table::card(&item, columns))?;
            }
        }
        for note in &notes {
            crate::http::tell(note);
        }
        Ok(())
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// By what a thing is named in a command.
fn name_of(item: &Value) -> String {
    let text = |field: &str| item.at(field).as_str().filter(|text| !text.is_empty());
    clean(text("name").or_else(|| text("id")).unwrap_or_default())
}

/// `COLUMNS` as the shell says it, else what the terminal says.
fn size(is_terminal: bool) -> Option<(usize, usize)> {
    if !is_terminal {
        return None;
    }
    let asked = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let asked = asked.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    let (columns, lines) =
        asked.filter(|(columns, lines)| *columns > 0 && *lines > 0).unwrap_or(SIZE_DEFAULT);
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Some((said.unwrap_or(columns), lines))
}
