//! The bytes of Kubernetes list and watch: framing, a metadata scanner, a streaming list
//! parser, splicing out managedFields, and resource versions.
//!
//! Start at [`WatchParser`] and [`ListParser`]. Does no IO, reads no clock, and never builds a
//! tree: what the informer does not ask for is only checked for balance. Any input gives a value
//! or an error in time linear in its length, without recursion.
#![warn(missing_docs)]

mod block;
mod carry;
mod cursor;
mod error;
mod event;
mod frame;
mod list;
mod meta;
mod object;
mod pointer;
mod skip;
mod status;
mod text;
mod version;
mod watch;

pub use self::{
    error::{FeedError, FrameError, ListError, ScanError},
    event::{EventKind, WatchEvent, parse_event},
    frame::Framer,
    list::{ListMeta, ListParser},
    meta::{Meta, OwnerRef},
    object::{RawObject, parse_object},
    pointer::{annotation, pointer},
    status::Status,
    version::{ResourceVersion, VersionError},
    watch::WatchParser,
};
