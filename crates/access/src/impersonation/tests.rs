//! Headers in, user or refusal out. The words were compared with those of a real kube-apiserver.

use super::Impersonation;
use crate::{
    attributes::Attributes,
    rbac::{Rbac, Rule},
    user::User,
};
use serde_json::json;

fn parse(headers: &[(&str, &str)]) -> Result<Option<Impersonation>, String> {
    Impersonation::parse(headers.iter().copied()).map_err(|error| error.to_string())
}

#[test]
fn headers_are_read_as_kubernetes_does() {
    fn check(headers: &[(&str, &str)], expect: &str) {
        let found = match parse(headers) {
            Ok(Some(Impersonation { wanted })) => {
                format!(
                    "{} {} {:?} {:?}",
                    wanted.name, wanted.uid, wanted.groups, wanted.extra
                )
            }
            Ok(None) => "nobody".to_owned(),
            Err(error) => error,
        };
        assert_eq!(found, expect, "{headers:?}");
    }
    check(&[], "nobody");
    check(
        &[
            ("host", "x"),
            ("impersonate", "x"),
            ("ünpersonate-user", "x"),
        ],
        "nobody",
    );
    check(&[("impersonate-user", "")], "nobody");
    check(&[("impersonate-user", "jörg")], "jörg  [] {}");
    check(&[("Impersonate-User", "alice")], "alice  [] {}");
    check(
        &[("impersonate-user", "alice"), ("impersonate-user", "bob")],
        "alice  [] {}",
    );
    check(
        &[
            ("impersonate-group", "a"),
            ("impersonate-user", "alice"),
            ("impersonate-group", "b"),
            ("impersonate-uid", "7"),
        ],
        r#"alice 7 ["a", "b"] {}"#,
    );
    check(
        &[
            ("impersonate-user", "alice"),
            ("Impersonate-Extra-Scopes", "x"),
            ("impersonate-extra-acme.com%2Fproject", "one"),
            ("impersonate-extra-scopes", "y"),
            ("impersonate-extra-bad%2", "z"),
            ("impersonate-extra-", "w"),
        ],
        r#"alice  [] {"": ["w"], "acme.com/project": ["one"], "bad%2": ["z"], "scopes": ["x", "y"]}"#,
    );
    check(
        &[("impersonate-group", "a")],
        r#"requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)} without impersonating a user name"#,
    );
    check(
        &[("impersonate-uid", "7"), ("impersonate-extra-k", "v")],
        r#"requested &user.DefaultInfo{Name:"", UID:"7", Groups:[]string(nil), Extra:map[string][]string{"k":[]string{"v"}}} without impersonating a user name"#,
    );
}

#[test]
fn a_name_that_is_no_text_is_not_passed_over() {
    let headers = [("impersonate-user", b"j\xf6rg")];
    let wanted = Impersonation::parse(headers)
        .expect("headers")
        .expect("a wish");
    assert_eq!(wanted.wanted.name, "j\u{fffd}rg");
}

const LIST_PODS: Attributes<'_> = Attributes {
    verb: "list",
    group: "",
    version: "v1",
    resource: "pods",
    subresource: "",
    namespace: "default",
    name: "",
    path: "",
    is_resource: true,
};

/// What becomes of a wish, with rights as `verbs|resource|names` in any group.
fn outcome(sender: &User, rights: &[&str], headers: &[(&str, &str)]) -> String {
    let mut rbac = Rbac::default();
    let list = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
    let rules: Vec<_> = rights
        .iter()
        .map(|right| {
            let parts: Vec<&str> = right.split('|').collect();
            Rule {
                verbs: list(parts[0]),
                api_groups: vec!["*".to_owned()],
                resources: list(parts[1]),
                resource_names: parts.get(2).map(|names| list(names)).unwrap_or_default(),
                ..Rule::default()
            }
            .to_value()
        })
        .collect();
    rbac.set("ClusterRole", Some(&json!({"rules": rules})), "", "r");
    let binding = json!({
        "subjects": [{"kind": "User", "name": sender.name}],
        "roleRef": {"kind": "ClusterRole", "name": "r"},
    });
    rbac.set("ClusterRoleBinding", Some(&binding), "", "b");
    let wanted = parse(headers).expect("headers").expect("a wish");
    match wanted.authorize(sender, &LIST_PODS, |user, attributes| {
        rbac.authorize(user, attributes)
    }) {
        Ok(user) => format!(
            "{} {} {:?} {:?}",
            user.name, user.uid, user.groups, user.extra
        ),
        Err(refusal) => format!(
            "{}.{} {:?}: {}",
            refusal.resource, refusal.group, refusal.name, refusal.message
        ),
    }
}

#[test]
fn the_old_way_allows_everything_at_once() {
    fn check(rights: &[&str], headers: &[(&str, &str)], expect: &str) {
        assert_eq!(
            outcome(&User::named("sender", &[]), rights, headers),
            expect,
            "{rights:?} {headers:?}"
        );
    }
    let alice = ("impersonate-user", "alice");
    let bob = ("impersonate-user", "system:serviceaccount:default:bob");
    check(
        &["impersonate|users"],
        &[alice],
        r#"alice  ["system:authenticated"] {}"#,
    );
    check(
        &["impersonate|users|alice"],
        &[alice],
        r#"alice  ["system:authenticated"] {}"#,
    );
    check(
        &["impersonate|users,groups"],
        &[alice, ("impersonate-group", "system:unauthenticated")],
        r#"alice  ["system:unauthenticated"] {}"#,
    );
    check(
        &["impersonate|users"],
        &[("impersonate-user", "system:anonymous")],
        r#"system:anonymous  ["system:unauthenticated"] {}"#,
    );
    check(
        &["impersonate|serviceaccounts"],
        &[bob],
        r#"system:serviceaccount:default:bob  ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"] {}"#,
    );
    check(
        &["impersonate|serviceaccounts,groups"],
        &[bob, ("impersonate-group", "g")],
        r#"system:serviceaccount:default:bob  ["g", "system:authenticated"] {}"#,
    );
    check(
        &["impersonate|users,groups|alice,system:masters"],
        &[alice, ("impersonate-group", "system:masters")],
        r#"alice  ["system:masters", "system:authenticated"] {}"#,
    );
    check(
        &["impersonate|users,uids,userextras/scopes"],
        &[
            alice,
            ("impersonate-uid", "7"),
            ("impersonate-extra-scopes", "x"),
        ],
        r#"alice 7 ["system:authenticated"] {"scopes": ["x"]}"#,
    );
}

#[test]
fn refusals_are_those_of_the_first_way_that_applies() {
    fn check(sender: &User, rights: &[&str], headers: &[(&str, &str)], expect: &str) {
        assert_eq!(
            outcome(sender, rights, headers),
            expect,
            "{rights:?} {headers:?}"
        );
    }
    let nobody = User::named("nobody", &[]);
    let alice = ("impersonate-user", "alice");
    let words = |mode: &str| {
        format!(
            r#"pods. "": User "nobody" cannot impersonate-on:{mode}:list resource "pods" in API group "" in the namespace "default""#
        )
    };
    check(&nobody, &[], &[alice], &words("user-info"));
    check(
        &nobody,
        &["impersonate|users|alice"],
        &[alice, ("impersonate-group", "g")],
        &words("user-info"),
    );
    check(
        &nobody,
        &[],
        &[("impersonate-user", "system:node:n1")],
        &words("arbitrary-node"),
    );
    check(
        &nobody,
        &[],
        &[("impersonate-user", "system:serviceaccount:default:bob")],
        &words("serviceaccount"),
    );
    // A service account in groups that aren't its own: only the old way is left.
    check(
        &nobody,
        &[],
        &[
            ("impersonate-user", "system:serviceaccount:default:bob"),
            ("impersonate-group", "g"),
        ],
        r#"serviceaccounts. "bob": User "nobody" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default""#,
    );
    check(
        &nobody,
        &["impersonate-on:user-info:list|pods"],
        &[alice],
        r#"users.authentication.k8s.io "alice": User "nobody" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope"#,
    );
}

#[test]
fn the_new_ways_allow_single_verbs() {
    fn check(rights: &[&str], headers: &[(&str, &str)], expect: &str) {
        assert_eq!(
            outcome(&User::named("sender", &[]), rights, headers),
            expect,
            "{rights:?} {headers:?}"
        );
    }
    let alice = ("impersonate-user", "alice");
    let on = "impersonate-on:user-info:list|pods";
    let all = "impersonate:user-info|*";
    check(
        &[on, all],
        &[alice, ("impersonate-group", "g")],
        r#"alice  ["g", "system:authenticated"] {}"#,
    );
    check(
        &[
            "impersonate-on:arbitrary-node:list|pods",
            "impersonate:arbitrary-node|nodes|n1",
        ],
        &[("impersonate-user", "system:node:n1")],
        r#"system:node:n1  ["system:nodes", "system:authenticated"] {}"#,
    );
    check(
        &[
            "impersonate-on:serviceaccount:list|pods",
            "impersonate:serviceaccount|serviceaccounts",
        ],
        &[("impersonate-user", "system:serviceaccount:default:bob")],
        r#"system:serviceaccount:default:bob  ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"] {}"#,
    );
}

#[test]
fn the_new_ways_refuse_what_is_dangerous() {
    fn check(rights: &[&str], headers: &[(&str, &str)], expect: &str) {
        assert_eq!(
            outcome(&User::named("sender", &[]), rights, headers),
            expect,
            "{rights:?} {headers:?}"
        );
    }
    let alice = ("impersonate-user", "alice");
    let on = "impersonate-on:user-info:list|pods";
    let all = "impersonate:user-info|*";
    let forbidden = |resource: &str, name: &str, why: &str| {
        format!(
            r#"{resource}.authentication.k8s.io "{name}": User "sender" cannot impersonate:user-info resource "{resource}" in API group "authentication.k8s.io" at the cluster scope: {why}"#
        )
    };
    check(
        &[on, all],
        &[alice, ("impersonate-group", "system:masters")],
        &forbidden(
            "groups",
            "system:masters",
            "impersonating the system:masters group is not allowed",
        ),
    );
    check(
        &[on, all],
        &[alice, ("impersonate-group", "")],
        &forbidden(
            "groups",
            "",
            "impersonating the empty string group is not allowed",
        ),
    );
    check(
        &[on, all],
        &[alice, ("impersonate-extra-scopes", "x")],
        &forbidden(
            "userextras",
            "",
            r#"impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scopes": must be a domain-prefixed path (such as "acme.io/foo")"#,
        ),
    );
    check(
        &[on, all],
        &[alice, ("impersonate-extra-acme.io%2Ffoo", "")],
        &forbidden(
            "userextras",
            "",
            "impersonating the empty string value in extra is not allowed",
        ),
    );
}

#[test]
fn many_groups_are_asked_for_at_once_or_one_by_one() {
    fn check(rights: &[&str], headers: &[(&str, &str)], expect: &str) {
        assert_eq!(
            outcome(&User::named("sender", &[]), rights, headers),
            expect,
            "{rights:?} {headers:?}"
        );
    }
    let alice = ("impersonate-user", "alice");
    let on = "impersonate-on:user-info:list|pods";
    let four: Vec<(&str, &str)> = [alice]
        .into_iter()
        .chain(["a", "b", "c", "d"].map(|group| ("impersonate-group", group)))
        .collect();
    let user = r#"alice  ["a", "b", "c", "d", "system:authenticated"] {}"#;
    check(
        &[
            on,
            "impersonate:user-info|users",
            "impersonate:user-info|groups|*",
        ],
        &four,
        user,
    );
    check(
        &[
            on,
            "impersonate:user-info|users",
            "impersonate:user-info|groups|a,b,c,d",
        ],
        &four,
        user,
    );
}

#[test]
fn a_pod_may_be_its_own_node() {
    fn check(own_node: &str, rights: &[&str], expect: &str) {
        let mut agent = User::service_account("kube-system", "agent", "u1");
        let node = vec![own_node.to_owned()];
        agent
            .extra
            .insert("authentication.kubernetes.io/node-name".to_owned(), node);
        let found = outcome(&agent, rights, &[("impersonate-user", "system:node:n1")]);
        assert_eq!(found, expect);
    }
    let rights = [
        "impersonate-on:associated-node:list|pods",
        "impersonate:associated-node|nodes|*",
    ];
    check(
        "n1",
        &rights,
        r#"system:node:n1  ["system:nodes", "system:authenticated"] {}"#,
    );
    check(
        "n2",
        &rights,
        r#"pods. "": User "system:serviceaccount:kube-system:agent" cannot impersonate-on:arbitrary-node:list resource "pods" in API group "" in the namespace "default""#,
    );
    check(
        "n1",
        &[rights[0]],
        r#"nodes.authentication.k8s.io "*": User "system:serviceaccount:kube-system:agent" cannot impersonate:associated-node resource "nodes" in API group "authentication.k8s.io" at the cluster scope"#,
    );
}
