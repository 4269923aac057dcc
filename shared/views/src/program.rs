//! Which program this is.

use std::{fs::File, io, io::Read as _, path::Path, sync::OnceLock};

use berth_proto::Hash;
use ring::digest::{Context, SHA256};

/// The file that runs, though another one may stand at its path by now.
const RUNS: &str = "/proc/self/exe";
/// Bytes of it that are read at once.
const PART_BYTES: usize = 256 * 1024;

/// Its release and the digest of its file: two builds of one release may fold otherwise, and the same build is the same program in
/// every container and on every machine. Read when it is first asked for, which takes a part of a second; none if it
/// cannot be read, which is then nobody's.
pub(crate) fn program() -> Option<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let known = PROGRAM.get_or_init(|| {
        let digest = digest(Path::new(RUNS)).or_else(|_| digest(&std::env::current_exe()?));
        let digest =
            digest.inspect_err(|error| tracing::warn!(%error, "the file of this program cannot be read"));
        Some(format!("{} {}", env!("CARGO_PKG_VERSION"), digest.ok()?))
    });
    known.as_deref()
}

/// The SHA-256 of a file, in hexadecimal digits.
fn digest(file: &Path) -> io::Result<String> {
    // Not the one that rows are checked with, which takes seconds for this in a build for tests.
    let (mut file, mut context) = (File::open(file)?, Context::new(&SHA256));
    let mut part = vec![0; PART_BYTES];
    loop {
        let length = file.read(&mut part)?;
        let Some(read) = part.get(..length).filter(|read| !read.is_empty()) else { break };
        context.update(read);
    }
    let digest: [u8; 32] = context.finish().as_ref().try_into().map_err(io::Error::other)?;
    Ok(Hash(digest).to_string())
}
