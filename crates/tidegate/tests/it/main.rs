//! Tests of the `tidegate` command from outside: without a cluster, and against a real API server.
//!
//! One binary, so that the real API server is started once.

mod command_line;
mod everything;
mod failures;
mod gateway;
mod hooks;
mod process;
mod receiver;
mod watching;
