//! Which endpoint gets a request, and whether it may be sent at all. Pure: time and randomness are arguments.
//!
//! Each worker has its own [`Balancer`], [`Breakers`] and [`RetryBudget`] for each cluster that it uses; nothing is shared.

mod balancer;
mod breaker;
mod budget;
mod hash;
mod health;
mod random;

pub use self::{
    balancer::{Balancer, EndpointId, EndpointStatus, NoEndpoint, Outcome, PickRequest, Settings},
    breaker::{Breakers, Resource, Tripped},
    budget::{BudgetSettings, RetryBudget},
    hash::{hash_address, hash_bytes},
    health::Health,
};
