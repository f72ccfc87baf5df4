//! Who may do what at the API server, as kube-apiserver 1.37 sees it.
//!
//! [`Authority`] makes the certificates of the server and its users, [`TokenFile`] reads static tokens and
//! [`ServiceAccountKeys`] signs those of service accounts; [`Authenticator`] tells from them who a request is from, and
//! [`Impersonation`] whether it may be from someone else. [`Rbac`] then decides. No clock is read here: `now` is Unix
//! seconds. Keys and tokens are never printed.

#![warn(missing_docs)]

mod attributes;
mod authenticator;
mod csv;
mod digest;
mod impersonation;
mod key;
mod pki;
mod rbac;
mod service_account;
mod text;
mod token_file;
mod user;

pub use self::{
    attributes::{Attributes, forbidden_message},
    authenticator::{Authenticator, Unauthorized, bearer_token},
    csv::CsvError,
    impersonation::{Impersonation, ImpersonationRefusal, NoUserName},
    key::KeyError,
    pki::{
        Authority, CertificateError, ClientTrust, FileError, Identity, PkiError,
        user_of_certificate, write_secret,
    },
    rbac::{
        BindingRefusal, Decision, Escalation, Rbac, Reason, Rule, UserRules, aggregate, bootstrap,
        is_aggregated, only_ownership_changed,
    },
    service_account::{
        Bound, BoundClaim, BoundKind, BoundObject, BoundObjects, DISCOVERY_MAX_AGE, Issued,
        ServiceAccountKeys, TokenRefusal, TokenRequest, TokenSecret, Verified,
    },
    token_file::{TokenFile, TokenFileError},
    user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User},
};
