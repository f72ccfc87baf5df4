//! Tokens of service accounts: signed by this server, bound to an account and, where wanted, to a pod, secret or node,
//! and no longer good when one of these is gone. As kube-apiserver's, ES256.

mod bound;
mod claims;
mod discovery;
mod jwt;
mod keys;
mod refusal;
#[cfg(test)]
mod tests;

pub use self::{
    bound::{BoundKind, BoundObject, BoundObjects, TokenSecret},
    discovery::DISCOVERY_MAX_AGE,
    keys::{Bound, Issued, ServiceAccountKeys, TokenRequest, Verified},
    refusal::{BoundClaim, TokenRefusal},
};
