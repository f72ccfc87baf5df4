//! Hostile requests and answers through a running proxy, with raw sockets on both sides.
//!
//! Nothing that is refused is forwarded, nothing is forwarded twice or in another form than one, a malformed answer
//! becomes a 502 and never looks whole, and nothing hangs. After each case a good request, on the same connection where it
//! is still open and on another one, gets its own answer. The cases are lines of tables: those of the message crate, and
//! the ones here.

mod answers;
mod bodies;
mod client;
mod escape;
mod forms;
mod h2;
mod origin;
mod outcome;
mod paths;
mod requests;
mod scenes;
mod wire;
mod world;
