//! What a policy's expressions may ask the server's authorizer.

use super::Asked;
use tidegate_access::Attributes;
use tidegate_rules::{Ask, Authorize, Verdict};

impl Authorize for Asked<'_> {
    fn authorize(&self, ask: &Ask) -> Verdict {
        let user = match &ask.service_account {
            None => self.request.call.user.clone(),
            Some((namespace, name)) => tidegate_access::User {
                name: format!("system:serviceaccount:{namespace}:{name}"),
                groups: vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                    "system:authenticated".to_owned(),
                ],
                ..tidegate_access::User::default()
            },
        };
        let attributes = Attributes {
            verb: &ask.verb,
            group: &ask.group,
            version: "*",
            resource: &ask.resource,
            subresource: &ask.subresource,
            namespace: &ask.namespace,
            name: &ask.name,
            path: ask.path.as_deref().unwrap_or_default(),
            is_resource: ask.path.is_none(),
        };
        let decision = self.cluster.rbac().authorize(&user, &attributes);
        Verdict {
            allowed: decision.allowed,
            reason: decision.reason.to_string(),
            error: None,
        }
    }
}
