//! The promises of `contract`, one test each, on a real API server. Those about merging and order that need a
//! controlled history are beside the code and in the simulation.

mod caches;
mod handlers;
mod support;
