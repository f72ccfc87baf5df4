//! Reading a request: its place in the API, its query and its options.

pub(crate) mod info;
pub(crate) mod options;
pub(crate) mod query;
