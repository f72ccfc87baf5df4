//! What a policy may ask the server's authorizer.

/// A question: may someone do this?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Asked for a service account (namespace and name) instead of the request's user.
    pub service_account: Option<(String, String)>,
    /// `get`, `create`, …
    pub verb: String,
    /// A path that is no resource.
    pub path: Option<String>,
    /// The resource's group.
    pub group: String,
    /// The resource's plural name.
    pub resource: String,
    /// Empty: the resource itself.
    pub subresource: String,
    /// Empty: all, or cluster scope.
    pub namespace: String,
    /// Empty: all.
    pub name: String,
    /// As it was written; may be malformed.
    pub field_selector: String,
    /// As it was written; may be malformed.
    pub label_selector: String,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Allowed, not only not denied.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// What went wrong while deciding.
    pub error: Option<String>,
}

/// The server's authorizer, asked for the user of the request.
pub trait Authorize: Send + Sync {
    /// Decides.
    fn authorize(&self, ask: &Ask) -> Verdict;
}
