//! The compiler from outside: objects as YAML in, statuses and routing out.
//!
//! `lab` plays the API server: it gives objects their metadata and defaults, and writes statuses back until nothing is
//! left to write.

mod cases;
mod conformance;
mod fuzz;
mod lab;
mod requests;
mod scale;
mod versions;
