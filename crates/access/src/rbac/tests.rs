//! The index against the plain reading of all objects, and what may be granted by whom.

use super::{Rbac, Rule};
use crate::{attributes::Attributes, user::User};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All objects, asked as Kubernetes describes it: every binding, every subject, every rule.
#[derive(Default)]
struct Plain(BTreeMap<(&'static str, String, String), Value>);

impl Plain {
    fn allows(&self, user: &User, attributes: &Attributes<'_>) -> bool {
        self.0.iter().any(|((kind, namespace, _), binding)| {
            let in_scope = match *kind {
                "ClusterRoleBinding" => true,
                "RoleBinding" => *namespace == attributes.namespace,
                _ => false,
            };
            let role = &binding["roleRef"];
            let own = match role["kind"].as_str() {
                Some("Role") => ("Role", namespace.clone()),
                _ => ("ClusterRole", String::new()),
            };
            let name = role["name"].as_str().unwrap_or_default().to_owned();
            let rules = self.0.get(&(own.0, own.1, name)).map(Rule::of_role);
            in_scope
                && binding["subjects"].as_array().is_some_and(|subjects| {
                    subjects
                        .iter()
                        .any(|subject| is_subject(subject, namespace, user))
                })
                && rules.is_some_and(|rules| rules.iter().any(|rule| rule.allows(attributes)))
        })
    }
}

fn is_subject(subject: &Value, namespace: &str, user: &User) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => user.name == name,
        Some("Group") => user.is_in(name),
        _ => {
            let namespace = subject["namespace"].as_str().unwrap_or(namespace);
            !namespace.is_empty()
                && user.name == format!("system:serviceaccount:{namespace}:{name}")
        }
    }
}

/// Small numbers that look random, the same for a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap_or_default()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const NAMESPACES: [&str; 2] = ["one", "two"];
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const VERBS: [&str; 3] = ["get", "list", "*"];

fn subject(dice: &mut Dice) -> Value {
    let name = dice.one(&NAMES);
    match dice.below(4) {
        0 => json!({"kind": "User", "name": name}),
        1 => json!({"kind": "Group", "name": name}),
        2 => json!({"kind": "ServiceAccount", "name": name, "namespace": dice.one(&NAMESPACES)}),
        _ => json!({"kind": "ServiceAccount", "name": name}),
    }
}

fn object(dice: &mut Dice, kind: &str) -> Value {
    if kind.ends_with("Role") {
        let rule = json!({"verbs": [dice.one(&VERBS)], "apiGroups": [""], "resources": [dice.one(&NAMES)]});
        return json!({"rules": [rule]});
    }
    let subjects: Vec<Value> = (0..dice.below(4)).map(|_| subject(dice)).collect();
    let role_kind = match kind {
        "RoleBinding" => dice.one(&["Role", "ClusterRole"]),
        _ => "ClusterRole",
    };
    json!({"subjects": subjects, "roleRef": {"kind": role_kind, "name": dice.one(&NAMES)}})
}

#[test]
fn the_index_says_what_all_objects_say_after_any_history() {
    for seed in 1..=300_u64 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut rbac = Rbac::default();
        let mut plain = Plain::default();
        for step in 0..60 {
            let kinds = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
            let kind = kinds[dice.below(4)];
            let namespace = if kind.starts_with("Cluster") {
                ""
            } else {
                dice.one(&NAMESPACES)
            };
            let name = dice.one(&NAMES);
            let object = (dice.below(4) > 0).then(|| object(&mut dice, kind));
            rbac.set(kind, object.as_ref(), namespace, name);
            let key = (kind, namespace.to_owned(), name.to_owned());
            match object {
                Some(object) => plain.0.insert(key, object),
                None => plain.0.remove(&key),
            };
            let user = match dice.below(2) {
                0 => User::named(dice.one(&NAMES), &[dice.one(&NAMES), dice.one(&NAMES)]),
                _ => User::service_account(dice.one(&NAMESPACES), dice.one(&NAMES), ""),
            };
            let attributes = Attributes {
                verb: dice.one(&VERBS),
                resource: dice.one(&NAMES),
                namespace: dice.one(&["", "one", "two"]),
                is_resource: true,
                ..Attributes::default()
            };
            let expect = plain.allows(&user, &attributes);
            let found = rbac.authorize(&user, &attributes).allowed;
            assert_eq!(
                found, expect,
                "seed {seed}, step {step}: {user:?} {attributes:?}"
            );
            let rules = rbac.rules_for(&user, attributes.namespace).rules;
            let by_rules = rules.iter().any(|rule| rule.allows(&attributes));
            assert_eq!(
                by_rules, expect,
                "seed {seed}, step {step}: {user:?} {attributes:?}"
            );
        }
        for ((kind, namespace, name), _) in std::mem::take(&mut plain.0) {
            rbac.set(kind, None, &namespace, &name);
        }
        assert!(
            rbac.namespaces.is_empty() && rbac.cluster.is_empty(),
            "seed {seed}"
        );
    }
}

fn small() -> Rbac {
    let mut rbac = Rbac::default();
    let rule = |resource: &str, verbs: &[&str]| json!({"rules": [{"apiGroups": [""], "resources": [resource], "verbs": verbs}]});
    let binding = |kind: &str, role: &str, user: &str| json!({"subjects": [{"kind": "User", "name": user}], "roleRef": {"apiGroup": super::GROUP, "kind": kind, "name": role}});
    rbac.set(
        "ClusterRole",
        Some(&rule("pods", &["get", "list"])),
        "",
        "pods",
    );
    rbac.set("Role", Some(&rule("secrets", &["get"])), "one", "secrets");
    rbac.set(
        "RoleBinding",
        Some(&binding("ClusterRole", "pods", "alice")),
        "one",
        "alice-pods",
    );
    rbac.set(
        "RoleBinding",
        Some(&binding("Role", "secrets", "alice")),
        "one",
        "alice-secrets",
    );
    rbac.set(
        "RoleBinding",
        Some(&binding("Role", "none", "alice")),
        "two",
        "dangling",
    );
    let special = json!({"rules": [
        {"apiGroups": [super::GROUP], "resources": ["clusterroles"], "resourceNames": ["pods"], "verbs": ["bind"]},
        {"apiGroups": [super::GROUP], "resources": ["roles"], "verbs": ["escalate"]},
    ]});
    rbac.set("ClusterRole", Some(&special), "", "special");
    rbac.set(
        "ClusterRoleBinding",
        Some(&binding("ClusterRole", "special", "bob")),
        "",
        "bob",
    );
    rbac
}

#[test]
fn decisions_give_kubernetes_reasons() {
    fn check(user: &str, verb: &str, resource: &str, namespace: &str, expect: (bool, &str)) {
        let attributes = Attributes {
            verb,
            resource,
            namespace,
            is_resource: true,
            ..Attributes::default()
        };
        let decision = small().authorize(&User::named(user, &[]), &attributes);
        assert_eq!(
            (decision.allowed, decision.reason.to_string().as_str()),
            expect
        );
        assert_eq!(decision.reason.is_empty(), expect.1.is_empty());
    }
    check(
        "alice",
        "list",
        "pods",
        "one",
        (
            true,
            r#"RBAC: allowed by RoleBinding "alice-pods/one" of ClusterRole "pods" to User "alice""#,
        ),
    );
    check(
        "alice",
        "get",
        "secrets",
        "one",
        (
            true,
            r#"RBAC: allowed by RoleBinding "alice-secrets/one" of Role "secrets" to User "alice""#,
        ),
    );
    check("alice", "list", "pods", "", (false, ""));
    check(
        "alice",
        "list",
        "pods",
        "two",
        (
            false,
            r#"rbac: RBAC: role.rbac.authorization.k8s.io "none" not found"#,
        ),
    );
    check("bob", "list", "pods", "one", (false, ""));
}

/// What is said to a user who writes a role or binding. Empty: nothing.
fn check_grant(user: &User, resource: &str, namespace: &str, object: &Value, expect: &str) {
    let found = if resource.ends_with("bindings") {
        small()
            .check_binding(user, namespace, object, None)
            .map_err(|error| error.to_string())
    } else {
        let request = Attributes {
            verb: "create",
            group: super::GROUP,
            resource,
            namespace,
            is_resource: true,
            ..Attributes::default()
        };
        small()
            .check_role(user, &request, object, None)
            .map_err(|error| error.to_string())
    };
    assert_eq!(found.err().unwrap_or_default(), expect);
}

#[test]
fn nobody_grants_more_than_they_have() {
    let alice = User::named("alice", &["g", "h"]);
    let bob = User::named("bob", &[]);
    let rule = |resource: &str, verbs: &[&str]| json!({"rules": [{"apiGroups": [""], "resources": [resource], "verbs": verbs}]});
    let lacking = "user \"alice\" (groups=[\"g\" \"h\"]) is attempting to grant RBAC permissions not currently held:\n";
    check_grant(&alice, "roles", "one", &rule("pods", &["get"]), "");
    check_grant(
        &alice,
        "roles",
        "one",
        &rule("pods", &["get", "watch", "delete"]),
        &format!(r#"{lacking}{{APIGroups:[""], Resources:["pods"], Verbs:["watch" "delete"]}}"#),
    );
    check_grant(
        &alice,
        "roles",
        "two",
        &rule("pods", &["get"]),
        &format!(
            r#"{lacking}{{APIGroups:[""], Resources:["pods"], Verbs:["get"]}}; resolution errors: [role.rbac.authorization.k8s.io "none" not found]"#
        ),
    );
    check_grant(&bob, "roles", "one", &rule("*", &["*"]), "");
    check_grant(
        &bob,
        "clusterroles",
        "",
        &rule("x", &["get"]),
        "user \"bob\" (groups=[]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"x\"], Verbs:[\"get\"]}",
    );
    let aggregated = json!({"rules": null, "aggregationRule": {"clusterRoleSelectors": [{}]}});
    check_grant(
        &bob,
        "clusterroles",
        "",
        &aggregated,
        "must have cluster-admin privileges to use the aggregationRule",
    );
    check_grant(&User::admin(), "clusterroles", "", &aggregated, "");
}

#[test]
fn nobody_binds_a_role_that_they_lack() {
    let alice = User::named("alice", &["g", "h"]);
    let bob = User::named("bob", &[]);
    let lacking = "user \"alice\" (groups=[\"g\" \"h\"]) is attempting to grant RBAC permissions not currently held:\n";
    let to = |kind: &str, name: &str| json!({"roleRef": {"apiGroup": super::GROUP, "kind": kind, "name": name}});
    check_grant(
        &alice,
        "rolebindings",
        "one",
        &to("ClusterRole", "pods"),
        "",
    );
    check_grant(
        &alice,
        "clusterrolebindings",
        "",
        &to("ClusterRole", "pods"),
        &format!(r#"{lacking}{{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}}"#),
    );
    check_grant(
        &alice,
        "rolebindings",
        "one",
        &to("Role", "none"),
        r#"rolebindings.rbac.authorization.k8s.io "none" not found"#,
    );
    check_grant(
        &alice,
        "rolebindings",
        "one",
        &to("ClusterRole", "none"),
        r#"rolebindings.rbac.authorization.k8s.io "none" not found"#,
    );
    check_grant(
        &alice,
        "rolebindings",
        "one",
        &to("Pod", "x"),
        r#"unsupported role reference kind: "Pod""#,
    );
    check_grant(
        &bob,
        "clusterrolebindings",
        "",
        &to("ClusterRole", "pods"),
        "",
    );
    check_grant(
        &User::admin(),
        "rolebindings",
        "one",
        &to("Role", "none"),
        "",
    );
}

#[test]
fn the_garbage_collector_may_change_who_owns_what_grants_more_than_it_has() {
    fn check(change: impl FnOnce(&mut Value), expect: bool) {
        let old =
            json!({"metadata": {"name": "x", "finalizers": ["f"]}, "rules": [{"verbs": ["*"]}]});
        let mut object = old.clone();
        change(&mut object);
        assert_eq!(
            super::only_ownership_changed(&object, &old),
            expect,
            "{object}"
        );
    }
    check(|_| {}, true);
    check(
        |object| object["metadata"]["ownerReferences"] = json!([{"name": "y"}]),
        true,
    );
    check(|object| object["metadata"]["finalizers"] = json!([]), true);
    check(
        |object| object["metadata"]["managedFields"] = json!([]),
        true,
    );
    check(
        |object| object["metadata"]["labels"] = json!({"a": "b"}),
        false,
    );
    check(|object| object["rules"] = json!([]), false);
    check(|object| *object = Value::Null, false);
}
