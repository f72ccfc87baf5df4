//! Tests of the client from outside: against small servers made here, and against a real API server.
//!
//! One binary, so that the real API server is started once.

#![expect(
    clippy::print_stdout,
    reason = "measured numbers, shown with --nocapture"
)]

mod cluster;
mod credentials;
mod discovery;
mod half_open;
mod http1;
mod server;
mod watches;
