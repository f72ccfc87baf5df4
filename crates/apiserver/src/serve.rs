//! HTTP: connections, and the way of a request from its first byte to its answer.

pub(crate) mod connection;
mod crew;
mod gzip;
pub(crate) mod handler;
pub(crate) mod limits;
pub(crate) mod pace;
pub(crate) mod respond;
pub(crate) mod route;
mod stall;
mod websocket;

pub use self::limits::Limits;
