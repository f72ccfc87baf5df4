//! Validating admission policies.

mod authorize;

pub use self::authorize::{Ask, Authorize, Verdict};
