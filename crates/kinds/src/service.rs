//! What a server does with services before it gives out addresses and ports.

use crate::{check, ways};
use serde_json::Value;
use tidegate_schema::FieldError;

/// Carries what was allocated for the old object over to the new one, and makes `clusterIP` and `clusterIPs` agree.
pub fn carry_over(new: &mut Value, old: Option<&Value>) {
    ways::carry_service(new, old);
}

/// What is wrong with the addresses that a service asks for.
pub fn address_errors(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    check::service_addresses(new, old)
}

/// Whether a service's balancer asks for its health at a node port. The argument is its `spec`.
pub fn needs_health_port(spec: &Value) -> bool {
    ways::needs_health_port(spec)
}
