//! Tests of the crate from outside: against what Kubernetes' own packages say, and against hostile input.

mod deep;
mod reading;
mod recorded;
