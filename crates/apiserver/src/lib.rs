//! An embedded Kubernetes API server: real semantics, durable, in one process with whoever needs it.
//!
//! [`Server`] is the way in; [`test::start`] gives one for tests in milliseconds. What it does is measured against
//! kube-apiserver 1.37: the same answers to the same requests, in the same words.

mod admission;
mod backup;
mod binding;
mod body;
mod bootstrap;
mod bound;
mod call;
mod chunk;
mod claims;
mod clock;
mod cluster;
mod controller;
mod discovery;
mod documents;
mod endpoint;
mod eviction;
mod faults;
mod health;
mod ids;
mod kubelet;
mod logs;
mod metrics;
mod negotiate;
mod object;
mod openapi;
mod owners;
mod protobuf;
mod quiet;
mod read;
mod registry;
mod request;
mod resource;
mod review;
mod selector;
mod serve;
mod server;
mod services;
mod special;
mod status;
mod strategy;
pub mod test;
mod token;
mod version;
mod wake;
mod write;

pub use self::{
    backup::{BACKUP_PATH, BackupFailure},
    faults::FaultAnswer,
    serve::Limits,
    server::{Options, Server, StartError},
};
