//! Why a service account's token is refused, in kube-apiserver's words.

use crate::text::{Quoted, QuotedList};

/// Why a token that this server could have issued is refused. Always the answer is 401; the words are for a TokenReview
/// and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Signed by a key that is not this server's.
    #[error("invalid signature, no keys found")]
    NoKey,
    /// Not signed by the key it names.
    #[error("go-jose/go-jose: error in cryptographic primitive")]
    Signature,
    /// Signed in a way that the key is not for.
    #[error("go-jose/go-jose: unknown/unsupported algorithm")]
    Algorithm,
    /// For others.
    #[error(
        "token audiences {} is invalid for the target audiences {}",
        QuotedList(token),
        QuotedList(wanted)
    )]
    Audience {
        /// For whom the token is.
        token: Vec<String>,
        /// For whom it would have to be.
        wanted: Vec<String>,
    },
    /// Too late.
    #[error("service account token has expired")]
    Expired,
    /// Too early.
    #[error("service account token is not valid yet")]
    NotYetValid,
    /// Some clock is wrong.
    #[error("service account token is issued in the future")]
    IssuedInTheFuture,
    /// The account is gone.
    #[error("serviceaccounts {} not found", Quoted(.0))]
    NoAccount(String),
    /// The account is on its way out.
    #[error("service account {namespace}/{name} has been deleted")]
    AccountDeleted {
        /// The account's namespace.
        namespace: String,
        /// The account's name.
        name: String,
    },
    /// The account of a token in a secret is on its way out.
    #[error("ServiceAccount {namespace}/{name} has been deleted")]
    LegacyAccountDeleted {
        /// The account's namespace.
        namespace: String,
        /// The account's name.
        name: String,
    },
    /// What the token is bound to is gone.
    #[error("service account token has been invalidated")]
    Invalidated,
    /// What the token is bound to was made anew under its name.
    #[error("{}", claim.words(uid, claimed))]
    OtherUid {
        /// What it is bound to.
        claim: BoundClaim,
        /// The uid of what is there.
        uid: String,
        /// The uid that the token names.
        claimed: String,
    },
    /// A claim that tokens in secrets have is missing.
    #[error("{0} claim is missing")]
    NoClaim(&'static str),
    /// The claims contradict each other.
    #[error("sub claim is invalid")]
    Subject,
    /// The secret that the token lived in is gone.
    #[error("Token has been invalidated")]
    NoSecret,
    /// The secret has another token by now.
    #[error("Token does not match server's copy")]
    OtherToken,
    /// The token in the secret is no longer to be used.
    #[error(
        "the token in secret {namespace}/{secret} for service account {namespace}/{name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token"
    )]
    MarkedInvalid {
        /// The namespace of both.
        namespace: String,
        /// The secret.
        secret: String,
        /// The account.
        name: String,
    },
}

/// What a token can be bound to, as the words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundClaim {
    /// The account itself.
    Account,
    /// The account of a token in a secret.
    LegacyAccount,
    /// A secret.
    Secret,
    /// A pod.
    Pod,
    /// A node.
    Node,
}

impl BoundClaim {
    fn words(self, uid: &str, claimed: &str) -> String {
        let kind = match self {
            Self::Account => {
                return format!("service account UID ({uid}) does not match claim ({claimed})");
            }
            Self::LegacyAccount => {
                return format!("ServiceAccount UID ({uid}) does not match claim ({claimed})");
            }
            Self::Secret => "secret",
            Self::Pod => "pod",
            Self::Node => "node",
        };
        format!("{kind} UID ({uid}) does not match service account {kind} ref claim ({claimed})")
    }
}
