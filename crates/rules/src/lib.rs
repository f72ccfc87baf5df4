//! Kubernetes' CEL rules: `x-kubernetes-validations` of custom resources, and validating admission policies.
//!
//! Pure: objects in, errors out. Start at [`Rules`] for custom resources and at [`Policy`] for policies.

mod cel;
mod crd;
mod policy;

pub use self::{
    crd::{REQUEST_BUDGET, Rules, blocked_by, check_rules},
    policy::{
        Admission, Ask, AuditAnnotation, Authorize, BadSelector, GroupVersionKind,
        GroupVersionResource, Matched, Matches, Outcome, Policy, Selector, Target, User, Verdict,
        Violation, check_binding, check_policy,
    },
};

#[cfg(test)]
mod recorded;
