//! State on disk: the objects that the gateway was last made from, so that it serves without the API server, also
//! after a restart.
//!
//! Two generations, each with a checksum: a file that is damaged gives way to the older one. Secrets are in it, so only
//! its owner may read it.

mod file;
mod generations;
mod saver;

pub use self::generations::StateError;
pub(crate) use self::{
    file::Saved,
    generations::Generations,
    saver::{Picture, Saver},
};
