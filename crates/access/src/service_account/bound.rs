//! The objects that tokens are bound to, as the server has them now.

/// Looks up the objects that a token is bound to. A token is only as good as they are.
pub trait BoundObjects {
    /// The object, if it is there. `namespace` is empty for nodes.
    fn find(&self, kind: BoundKind, namespace: &str, name: &str) -> Option<BoundObject>;

    /// A secret of the type `kubernetes.io/service-account-token`, for the tokens that live in secrets. Without them
    /// no such token is good.
    fn token_secret(&self, _namespace: &str, _name: &str) -> Option<TokenSecret> {
        None
    }
}

/// The kinds that tokens are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundKind {
    /// Every token's own.
    ServiceAccount,
    /// A pod of the account's namespace.
    Pod,
    /// A secret of the account's namespace.
    Secret,
    /// A node.
    Node,
}

/// What has to be known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundObject {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.deletionTimestamp` in Unix seconds.
    pub deleted: Option<i64>,
}

/// A secret that holds a token.
#[derive(Clone)]
pub struct TokenSecret {
    /// What stands under `token`, decoded.
    pub token: Vec<u8>,
    /// Whether it is on its way out.
    pub deleted: bool,
    /// Whether it has the label `kubernetes.io/legacy-token-invalid-since`.
    pub invalid: bool,
}

impl std::fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSecret")
            .field("deleted", &self.deleted)
            .field("invalid", &self.invalid)
            .finish_non_exhaustive()
    }
}
