//! Kubernetes' CEL rules: `x-kubernetes-validations` of custom resources, and validating admission policies.
//!
//! Pure: objects in, errors out. Start at [`Rules`] for custom resources and at [`Policy`] for policies.

mod cel;
mod crd;
mod policy;

pub use self::{
    crd::{REQUEST_BUDGET, Rules, blocked_by, check_rules},
    policy::{Ask, Authorize, Verdict},
};

#[cfg(test)]
mod recorded;
