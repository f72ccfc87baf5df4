//! A real kube-apiserver as the oracle: its bootstrap policy, its decisions with their reasons, the rules it tells, and
//! its words about escalation and impersonation, next to ours for the same objects.

use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tidegate_access::{Attributes, Impersonation, Rbac, User, bootstrap};
use tidegate_testcluster::{Cluster, Error};

/// The roles and bindings that the questions are about.
const OBJECTS: &str = include_str!("oracle/objects.yaml");

const KINDS: [(&str, &str); 4] = [
    ("clusterroles", "ClusterRole"),
    ("clusterrolebindings", "ClusterRoleBinding"),
    ("roles", "Role"),
    ("rolebindings", "RoleBinding"),
];

#[tokio::test]
async fn we_decide_and_say_what_kubernetes_does() {
    let cluster = Cluster::start().await.expect("a cluster");
    wait_for_aggregation(&cluster).await;
    bootstrap_policy_is_the_same(&cluster).await;
    for namespace in ["one", "two"] {
        cluster
            .kubectl(&["create", "namespace", namespace])
            .await
            .expect("a namespace");
    }
    cluster.apply(OBJECTS).await.expect("objects");
    let rbac = read(&cluster).await;
    wait_for_authorizer(&cluster).await;
    decisions_are_the_same(&cluster, &rbac).await;
    rules_are_the_same(&cluster, &rbac).await;
    escalations_are_refused_alike(&cluster, &rbac).await;
    impersonations_are_refused_alike(&cluster, &rbac).await;
    cluster.stop().await;
}

async fn get(cluster: &Cluster, arguments: &[&str]) -> Value {
    let output = cluster.kubectl(arguments).await.expect("an answer");
    serde_json::from_str(&output.stdout).expect("JSON")
}

async fn list(cluster: &Cluster, resource: &str) -> Vec<Value> {
    let mut found = get(
        cluster,
        &["get", resource, "--all-namespaces", "-o", "json"],
    )
    .await;
    match found["items"].take() {
        Value::Array(items) => items,
        other => panic!("{other}"),
    }
}

/// Until the controller has given `view` the rules of what it gathers.
async fn wait_for_aggregation(cluster: &Cluster) {
    let expect = bootstrap();
    for _ in 0..300 {
        let roles = list(cluster, "clusterroles").await;
        let done = expect
            .iter()
            .filter(|role| role.get("aggregationRule").is_some())
            .all(|role| {
                let same = |other: &&Value| other["metadata"]["name"] == role["metadata"]["name"];
                roles
                    .iter()
                    .find(same)
                    .is_some_and(|other| other["rules"] == role["rules"])
            });
        if done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the aggregated roles never became what was recorded");
}

async fn bootstrap_policy_is_the_same(cluster: &Cluster) {
    let mut theirs = Vec::new();
    for (resource, _) in KINDS {
        for mut object in list(cluster, resource).await {
            if object["metadata"]["labels"]["kubernetes.io/bootstrapping"] != "rbac-defaults" {
                continue;
            }
            let metadata = object["metadata"].as_object_mut().expect("metadata");
            metadata.retain(|name, _| {
                !matches!(
                    name.as_str(),
                    "uid" | "resourceVersion" | "creationTimestamp" | "managedFields"
                )
            });
            theirs.push(object.to_string());
        }
    }
    let theirs: BTreeSet<String> = theirs.into_iter().collect();
    let ours: BTreeSet<String> = bootstrap().iter().map(Value::to_string).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let wrong: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "missing: {missing:#?}\nwrong: {wrong:#?}"
    );
}

/// All roles and bindings of the cluster as our index.
async fn read(cluster: &Cluster) -> Rbac {
    let mut rbac = Rbac::default();
    for (resource, kind) in KINDS {
        for object in list(cluster, resource).await {
            let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
            rbac.set(kind, Some(&object), text("namespace"), text("name"));
        }
    }
    rbac
}

/// The authorizer follows with a delay: until it knows the last of our bindings.
async fn wait_for_authorizer(cluster: &Cluster) {
    let sentinel = User::named("sentinel", &[]);
    let last = Attributes {
        verb: "get",
        group: "example.com",
        version: "v1",
        resource: "last",
        is_resource: true,
        ..Attributes::default()
    };
    for _ in 0..100 {
        let answers = create(cluster, &[review(&sentinel, &last)]).await;
        if answers[0]["status"]["allowed"] == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the authorizer never learned of the last binding");
}

fn users() -> Vec<User> {
    vec![
        User::named("alice", &[]),
        User::named("bob", &["devs", "ops"]),
        User::named("carol", &["readers"]),
        User::service_account("one", "robot", ""),
        User::service_account("two", "robot", ""),
        User::named("stray", &[]),
        User::named("nobody", &["system:unauthenticated"]),
        User::named("root", &["system:masters"]),
    ]
}

/// What is asked: every combination of these, and some paths.
const VERBS: [&str; 4] = ["get", "list", "update", "escalate"];
const RESOURCES: [&str; 8] = [
    "/pods",
    "/pods/log",
    "/pods/exec",
    "/secrets",
    "apps/deployments",
    "apps/deployments/scale",
    "apps/deployments/status",
    "example.com/widgets",
];
const NAMESPACES: [&str; 3] = ["", "one", "two"];
const NAMES: [&str; 2] = ["", "special"];
const PATHS: [&str; 7] = [
    "/",
    "/logs",
    "/logs/",
    "/logs/x/y",
    "/metrics",
    "/healthz",
    "/api",
];

fn questions() -> Vec<Attributes<'static>> {
    let mut all = Vec::new();
    for verb in VERBS {
        for resource in RESOURCES {
            let mut parts = resource.split('/');
            let mut next = || parts.next().unwrap_or_default();
            let (group, resource, subresource) = (next(), next(), next());
            for namespace in NAMESPACES {
                for name in NAMES {
                    all.push(Attributes {
                        verb,
                        group,
                        version: "v1",
                        resource,
                        subresource,
                        namespace,
                        name,
                        path: "",
                        is_resource: true,
                    });
                }
            }
        }
    }
    for verb in ["get", "post"] {
        all.extend(PATHS.map(|path| Attributes {
            verb,
            path,
            ..Attributes::default()
        }));
    }
    all
}

fn review(user: &User, attributes: &Attributes<'_>) -> Value {
    let mut spec = json!({"user": user.name, "groups": user.groups});
    if attributes.is_resource {
        spec["resourceAttributes"] = json!({
            "verb": attributes.verb,
            "group": attributes.group,
            "version": attributes.version,
            "resource": attributes.resource,
            "subresource": attributes.subresource,
            "namespace": attributes.namespace,
            "name": attributes.name,
        });
    } else {
        spec["nonResourceAttributes"] = json!({"verb": attributes.verb, "path": attributes.path});
    }
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
}

async fn decisions_are_the_same(cluster: &Cluster, rbac: &Rbac) {
    let questions = questions();
    let mut allowed = 0;
    for user in users() {
        let reviews: Vec<Value> = questions
            .iter()
            .map(|question| review(&user, question))
            .collect();
        let answers = create(cluster, &reviews).await;
        assert_eq!(answers.len(), questions.len());
        for (question, answer) in questions.iter().zip(&answers) {
            let status = &answer["status"];
            let decision = rbac.authorize(&user, question);
            let theirs = (
                status["allowed"] == true,
                status["reason"].as_str().unwrap_or_default(),
            );
            let ours = (decision.allowed, decision.reason.to_string());
            assert_eq!((ours.0, ours.1.as_str()), theirs, "{user:?} {question:?}");
            allowed += usize::from(decision.allowed);
        }
    }
    // The questions are no good if all have one answer.
    let all = users().len() * questions.len();
    assert!(
        allowed > all / 10 && allowed < all / 2,
        "{allowed} of {all}"
    );
}

/// Sends objects in one call and gives the answers, in order.
async fn create(cluster: &Cluster, objects: &[Value]) -> Vec<Value> {
    let path = cluster.dir().join("reviews.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(&path, list.to_string()).expect("a file");
    let path = path.to_str().expect("a path");
    let asked = ["create", "--validate=false", "-o", "json", "-f", path];
    let output = cluster.kubectl(&asked).await.expect("answers");
    let answers = serde_json::Deserializer::from_str(&output.stdout).into_iter();
    answers.collect::<Result<_, _>>().expect("JSON")
}

async fn rules_are_the_same(cluster: &Cluster, rbac: &Rbac) {
    let path = cluster.dir().join("rules.json");
    for user in [
        User::named("alice", &["system:authenticated"]),
        User::named("stray", &["system:authenticated"]),
    ] {
        for namespace in ["one", "two"] {
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
            std::fs::write(&path, review.to_string()).expect("a file");
            let file = path.to_str().expect("a path");
            let asked = [
                "create",
                "--validate=false",
                "-o",
                "json",
                "--as",
                &user.name,
                "-f",
                file,
            ];
            let theirs = get(cluster, &asked).await["status"].take();
            let ours = rbac.rules_for(&user, namespace).to_status();
            assert_eq!(sorted(ours), sorted(theirs), "{} in {namespace}", user.name);
        }
    }
}

/// Kubernetes visits bindings in no order.
fn sorted(mut status: Value) -> Value {
    for list in ["resourceRules", "nonResourceRules"] {
        if let Some(rules) = status[list].as_array_mut() {
            rules.sort_by_key(Value::to_string);
        }
    }
    status
}

/// The words of the server in a refusal of kubectl.
fn words(result: Result<tidegate_testcluster::Output, Error>) -> String {
    match result {
        Ok(output) => format!("allowed: {}", output.stdout),
        Err(Error::Kubectl { stderr, .. }) => stderr.trim_end().to_owned(),
        Err(other) => panic!("{other}"),
    }
}

async fn escalations_are_refused_alike(cluster: &Cluster, rbac: &Rbac) {
    let rules = json!([
        {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list", "delete"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["b", "a"], "verbs": ["get", "*"]},
        {"nonResourceURLs": ["/logs/*", "/x<y>"], "verbs": ["get"]},
    ]);
    let api = "rbac.authorization.k8s.io/v1";
    let to = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    let metadata = json!({"name": "new", "namespace": "one"});
    let cluster_metadata = json!({"name": "new"});
    let objects = [
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": cluster_metadata, "rules": rules}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": cluster_metadata, "rules": [],
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}),
        json!({"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": [rules[0], rules[1]]}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": cluster_metadata, "roleRef": to("ClusterRole", "view")}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": cluster_metadata, "roleRef": to("ClusterRole", "none")}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": metadata, "roleRef": to("Role", "reader")}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": metadata, "roleRef": to("Role", "none")}),
    ];
    let path = cluster.dir().join("escalation.json");
    for sender in [
        User::named("writer", &["system:authenticated"]),
        User::named("boss", &["system:authenticated"]),
    ] {
        for object in &objects {
            std::fs::write(&path, object.to_string()).expect("a file");
            let file = path.to_str().expect("a path");
            let asked = [
                "create",
                "--dry-run=server",
                "--validate=false",
                "--as",
                &sender.name,
                "-f",
                file,
            ];
            let theirs = words(cluster.kubectl(&asked).await);
            let ours = refusal(rbac, &sender, object);
            if ours.is_empty() {
                assert!(
                    theirs.starts_with("allowed"),
                    "{}: {object}: {theirs}",
                    sender.name
                );
            } else {
                assert!(
                    theirs.ends_with(&ours),
                    "{}: {object}:\n{ours}\nbut:\n{theirs}",
                    sender.name
                );
            }
        }
    }
}

/// What we say about a role or binding that is new.
fn refusal(rbac: &Rbac, sender: &User, object: &Value) -> String {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    if kind.ends_with("Binding") {
        let result = rbac.check_binding(sender, namespace, object, None);
        return result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
    }
    let request = Attributes {
        verb: "create",
        group: "rbac.authorization.k8s.io",
        version: "v1",
        resource: if kind == "Role" {
            "roles"
        } else {
            "clusterroles"
        },
        namespace,
        is_resource: true,
        ..Attributes::default()
    };
    let result = rbac.check_role(sender, &request, object, None);
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

/// kubectl's arguments, and the headers that it makes of them.
type Wish = (Vec<&'static str>, Vec<(&'static str, &'static str)>);

fn wishes() -> Vec<Wish> {
    vec![
        (vec!["--as=alice"], vec![("impersonate-user", "alice")]),
        (
            vec!["--as=alice", "--as-group=g", "--as-uid=7"],
            vec![
                ("impersonate-user", "alice"),
                ("impersonate-group", "g"),
                ("impersonate-uid", "7"),
            ],
        ),
        (
            vec!["--as=system:node:n"],
            vec![("impersonate-user", "system:node:n")],
        ),
        (
            vec!["--as=system:serviceaccount:one:robot"],
            vec![("impersonate-user", "system:serviceaccount:one:robot")],
        ),
        (
            vec!["--as=system:serviceaccount:one:robot", "--as-group=g"],
            vec![
                ("impersonate-user", "system:serviceaccount:one:robot"),
                ("impersonate-group", "g"),
            ],
        ),
    ]
}

async fn impersonations_are_refused_alike(cluster: &Cluster, rbac: &Rbac) {
    let sender = User::named("nobody", &["system:authenticated"]);
    let list_pods = Attributes {
        verb: "list",
        version: "v1",
        resource: "pods",
        namespace: "one",
        is_resource: true,
        ..Attributes::default()
    };
    for (arguments, headers) in wishes() {
        let asked: Vec<&str> = ["get", "pods", "-n", "one"]
            .into_iter()
            .chain(arguments)
            .collect();
        let nobody = tidegate_testcluster::User::Nobody;
        let theirs = words(cluster.kubectl_as(nobody, &asked).await);
        let wanted = Impersonation::parse(headers)
            .expect("headers")
            .expect("a wish");
        let refusal = wanted
            .authorize(&sender, &list_pods, |user, attributes| {
                rbac.authorize(user, attributes)
            })
            .expect_err("refused");
        assert!(
            theirs.ends_with(&refusal.message),
            "{asked:?}:\n{}\nbut:\n{theirs}",
            refusal.message
        );
        let about = match refusal.group.as_str() {
            "" => refusal.resource,
            group => format!("{}.{group}", refusal.resource),
        };
        assert!(
            theirs.contains(&format!("{about} ")),
            "{asked:?}: {about} in {theirs}"
        );
    }
}
