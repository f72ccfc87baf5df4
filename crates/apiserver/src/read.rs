//! Reading: one object, a list, a watch. Nothing here writes.

pub(crate) mod continue_token;
mod frame;
pub(crate) mod get;
mod interrupt;
pub(crate) mod list;
pub(crate) mod present;
pub(crate) mod selection;
pub(crate) mod version;
pub(crate) mod watch;
