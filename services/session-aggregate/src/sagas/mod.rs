//! What spans streams, one saga a page: reserve in the directory, transact on the instance, settle.
//!
//! The transaction in the middle decides. Whatever a crash leaves before or after it is continued by a retry of the
//! command, or finished by the process manager. What spans an account and the directory is in
//! [`accounts`](crate::accounts); deleting an instance whose last commit is damaged is in [`bury`].

mod bury;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod moving;
pub(crate) mod names_here;
pub(crate) mod rename;
pub(crate) mod rotate;
