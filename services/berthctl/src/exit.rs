//! How the process ends, so that a script knows what to do: a subset of `sysexits.h`, as `berth` itself uses.

/// What was asked about is not so: a history that does not verify, a wait that ended without what it waited for.
pub(crate) const NOT_SO: u8 = 1;
/// The command line, a setting or the request cannot be used; asking again does not help.
pub(crate) const USAGE: u8 = 64;
/// The state of the instance, or of whatever else it is about, does not allow it.
pub(crate) const REFUSED: u8 = 65;
/// There is no such instance, account, webhook or code.
pub(crate) const NOT_FOUND: u8 = 66;
/// Berth, or a part of it, does not answer; asking again may help.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A defect, here or there.
pub(crate) const DEFECT: u8 = 70;
/// A file, the terminal or another part of the system cannot be used.
pub(crate) const SYSTEM: u8 = 74;
/// Too many requests; asking later helps.
pub(crate) const LATER: u8 = 75;
/// Whatever answers there is not Berth.
pub(crate) const NOT_BERTH: u8 = 76;
/// The token is missing, not valid, or does not allow it.
pub(crate) const NOT_ALLOWED: u8 = 77;

/// The codes for the help.
pub(crate) const HELP: &str = "\
Exit codes:
   0 done
   1 it is not so: verify, check, watch --until, connect
  64 the command line or the request cannot be used
  65 the state does not allow it
  66 there is no such instance, account, webhook or code
  69 Berth does not answer; asking again may help
  70 a defect, here or there
  74 a file or the terminal fails
  75 too many requests: later
  76 that is not Berth
  77 no token, a wrong one, or one that does not allow it";
