//! The answer of the authorizer, and why. The words are made only when someone reads them.

use super::binding::Binding;
use std::{fmt, sync::Arc};

/// Whether a request may go on.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// Why, as far as Kubernetes tells.
    pub reason: Reason,
}

/// Why a decision was taken: `RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "z"`, or what kept the
/// authorizer from finding all rules. Often empty.
#[derive(Debug, Clone, Default)]
pub struct Reason(Why);

#[derive(Debug, Clone, Default)]
enum Why {
    #[default]
    Unsaid,
    Granted {
        binding: Arc<Binding>,
        subject: usize,
    },
    Errors(String),
}

impl Decision {
    /// Allowed to those who may do everything.
    pub(crate) fn privileged() -> Self {
        Self {
            allowed: true,
            reason: Reason::default(),
        }
    }

    pub(crate) fn granted(binding: &Arc<Binding>, subject: usize) -> Self {
        let binding = Arc::clone(binding);
        Self {
            allowed: true,
            reason: Reason(Why::Granted { binding, subject }),
        }
    }

    /// Nobody allowed it. `errors` may be empty.
    pub(crate) fn refused(errors: String) -> Self {
        let why = if errors.is_empty() {
            Why::Unsaid
        } else {
            Why::Errors(errors)
        };
        Self {
            allowed: false,
            reason: Reason(why),
        }
    }
}

impl Reason {
    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Why::Unsaid)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Unsaid => Ok(()),
            Why::Granted { binding, subject } => {
                f.write_str("RBAC: allowed by ")?;
                binding.describe(*subject, f)
            }
            // With the name that the authorizer has among those that are asked.
            Why::Errors(errors) => write!(f, "rbac: RBAC: {errors}"),
        }
    }
}
