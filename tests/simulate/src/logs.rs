//! What the processes log, among the steps of a run.

use std::{io, sync::Arc};

use tracing_subscriber::fmt::MakeWriter;

use crate::world::World;

#[derive(Debug, Clone)]
struct IntoTrace(Arc<World>);

/// From now on what is logged stands in the trace, in the words of the product.
pub(crate) fn into(world: &Arc<World>) {
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(IntoTrace(Arc::clone(world)))
        .finish();
    // There is one run in a process.
    drop(tracing::subscriber::set_global_default(subscriber));
}

impl io::Write for IntoTrace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.trace.aside(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for IntoTrace {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
