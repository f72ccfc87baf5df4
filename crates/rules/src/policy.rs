//! Validating admission policies: which requests they are about, what they say to them, and what makes a bad policy.

mod admission;
mod authorize;
mod check;
mod compiled;
mod env;
mod evaluate;
mod matching;
mod selector;

pub use self::{
    admission::{Admission, GroupVersionKind, GroupVersionResource, User},
    authorize::{Ask, Authorize, Verdict},
    check::{check_binding, check_policy},
    compiled::Policy,
    evaluate::{AuditAnnotation, Outcome, Violation},
    matching::{Matched, Matches, Target},
    selector::{BadSelector, Selector},
};
