//! Changes a gateway's configuration under constant load, through nothing but its API server and its listeners.
//!
//! Knows no part of the gateway, so that any implementation of Gateway API can stand there. [`churn`] counts requests that
//! fail while things change; [`propagation`] times how long a change takes until it is served.

pub mod api;
mod changes;
pub mod churn;
mod content;
mod damage;
mod dial;
mod exchange;
mod fault;
mod frames;
mod lives;
mod load;
mod loads;
mod objects;
mod origin;
pub mod propagation;
mod rotation;
mod runner;
pub mod stage;
mod tls;
