//! Changes a gateway's configuration under constant load, through nothing but its API server and its listeners.
//!
//! Knows no part of the gateway, so that any implementation of Gateway API can stand there. [`churn`] counts requests that
//! fail while things change; [`propagation`] times how long a change takes until it is served.

pub mod api;
pub mod churn;
mod damage;
pub mod exchange;
pub mod load;
pub mod objects;
pub mod origin;
pub mod propagation;
