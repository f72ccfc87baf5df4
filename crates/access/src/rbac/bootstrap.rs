//! The roles and bindings that every cluster starts with, as a real kube-apiserver 1.37.2 and its aggregation
//! controller made them: `cluster-admin`, `admin`, `edit`, `view` and all of `system:`. A test compares them with the
//! real server's.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::Read;

const RECORDED: &[u8] = include_bytes!("../../data/bootstrap.json.gz");

/// The objects, in the order in which they have to be created. They lack what the server gives each object anew.
#[must_use]
pub fn bootstrap() -> Vec<Value> {
    let mut text = Vec::new();
    let read = GzDecoder::new(RECORDED).read_to_end(&mut text);
    read.expect("invariant: part of the program");
    serde_json::from_slice(&text).expect("invariant: part of the program")
}

#[cfg(test)]
mod tests {
    use super::bootstrap;
    use crate::rbac::{Rbac, aggregate, is_aggregated};
    use crate::{attributes::Attributes, user::User};
    use serde_json::Value;
    use std::time::Instant;

    /// The bootstrap policy as an index.
    fn rbac() -> Rbac {
        let mut rbac = Rbac::default();
        for object in bootstrap() {
            let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
            let kind = object["kind"].as_str().unwrap_or_default();
            rbac.set(kind, Some(&object), text("namespace"), text("name"));
        }
        rbac
    }

    #[test]
    fn nothing_of_the_recorded_cluster_is_left() {
        for object in bootstrap() {
            let metadata = object["metadata"].as_object().expect("metadata");
            for name in [
                "uid",
                "creationTimestamp",
                "resourceVersion",
                "managedFields",
            ] {
                assert!(!metadata.contains_key(name), "{object}");
            }
        }
    }

    #[test]
    fn aggregated_roles_are_what_the_controller_makes() {
        let all = bootstrap();
        let roles: Vec<&Value> = all
            .iter()
            .filter(|object| object["kind"] == "ClusterRole")
            .collect();
        let mut aggregated = 0;
        for role in roles.iter().filter(|role| is_aggregated(role)) {
            let rules = aggregate(role, roles.iter().copied()).expect("selectors");
            assert_eq!(
                Value::from(rules),
                role["rules"],
                "{}",
                role["metadata"]["name"]
            );
            aggregated += 1;
        }
        assert_eq!(aggregated, 3);
    }

    #[test]
    fn the_first_users_may_do_what_they_may_in_kubernetes() {
        fn check(user: &User, verb: &str, what: &str, expect: Option<&str>) {
            let attributes = match what.strip_prefix('/') {
                Some(_) => Attributes {
                    verb,
                    path: what,
                    ..Attributes::default()
                },
                None => {
                    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
                    Attributes {
                        verb,
                        resource,
                        group,
                        is_resource: true,
                        ..Attributes::default()
                    }
                }
            };
            let decision = rbac().authorize(user, &attributes);
            let reason = decision.allowed.then(|| decision.reason.to_string());
            assert_eq!(reason.as_deref(), expect, "{user:?} {verb} {what}");
        }
        let anonymous = User::anonymous();
        let alice = User::named("alice", &["system:authenticated"]);
        check(
            &anonymous,
            "get",
            "/healthz",
            Some(
                r#"RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated""#,
            ),
        );
        check(&anonymous, "get", "/api", None);
        check(&anonymous, "list", "pods", None);
        check(
            &alice,
            "get",
            "/apis/apps/v1",
            Some(
                r#"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated""#,
            ),
        );
        check(
            &alice,
            "create",
            "selfsubjectaccessreviews.authorization.k8s.io",
            Some(
                r#"RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated""#,
            ),
        );
        check(&alice, "list", "secrets", None);
        check(&User::admin(), "delete", "nodes", Some(""));
    }

    #[test]
    fn reading_it_is_cheap() {
        let started = Instant::now();
        assert!(rbac().cluster_roles.len() > 60);
        // Far above what it takes (some milliseconds without optimisation), far below what would be felt.
        assert!(started.elapsed().as_millis() < 500);
    }
}
