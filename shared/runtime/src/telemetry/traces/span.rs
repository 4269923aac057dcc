//! A span: one piece of work of a trace, from when it is begun until it is dropped.

use std::borrow::Cow;

use berth_proto::Timestamp;

use super::{context::TraceContext, finish};

/// Attributes of a span at most; more are left out.
const ATTRIBUTES_MAX: usize = 16;

/// Which side of a hop a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Work of our own.
    Internal,
    /// A question of somebody else that is answered.
    Server,
    /// A question to somebody else.
    Client,
    /// Something from a queue or log that is taken up.
    Consumer,
}

/// What an attribute says. Never a name, token, number or address of a person: traces leave the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// A span that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedSpan {
    /// The trace, and this span of it.
    pub context: TraceContext,
    /// The span that this one is a part of; none for the first of a trace.
    pub parent: Option<TraceContext>,
    /// What was done.
    pub name: Cow<'static, str>,
    /// Which side of a hop it is.
    pub kind: SpanKind,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it says.
    pub attributes: Vec<(&'static str, Said)>,
    /// Whether it failed.
    pub failed: bool,
}

/// A piece of work. It ends when it is dropped. Without traces it only hands on the context that it was begun with.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    pub(super) context: Option<TraceContext>,
    pub(super) recording: Option<Box<FinishedSpan>>,
}

// === impl Span ===

impl Span {
    /// The context for what this work leads to; none if nobody traces it.
    pub const fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// Whether it is recorded: what an attribute costs need not be spent otherwise.
    pub const fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Says something of the work.
    pub fn say(&mut self, key: &'static str, said: impl Into<Said>) {
        if let Some(recording) = &mut self.recording
            && recording.attributes.len() < ATTRIBUTES_MAX
        {
            recording.attributes.push((key, said.into()));
        }
    }

    /// Gives it another name, once it is known what was done.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(recording) = &mut self.recording {
            recording.name = name.into();
        }
    }

    /// Says that the work failed.
    pub fn fail(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.failed = true;
        }
    }

    /// The same, begun at an earlier moment: for work that began before anybody knew what it was.
    pub fn since(mut self, begun: Timestamp) -> Self {
        if let Some(recording) = &mut self.recording {
            recording.begun = begun.min(recording.begun);
        }
        self
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(recording) = self.recording.take() {
            finish(*recording);
        }
    }
}

impl From<&'static str> for Said {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Said {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
