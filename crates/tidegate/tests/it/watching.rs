//! Watching a real API server: kinds, forms of output, filters, the first picture, the end.

use crate::process::{Running, finish, tidegate};
use serde_json::Value;
use tidegate_testcluster::Cluster;

async fn cluster() -> &'static Cluster {
    Cluster::shared().await.expect("a cluster")
}

async fn config_map(cluster: &Cluster, namespace: &str, name: &str, value: &str) {
    let yaml = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}, data: {{key: '{value}'}}}}"
    );
    cluster.apply(&yaml).await.expect("applied");
}

fn is(kind: &'static str, name: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == kind && event["object"]["metadata"]["name"] == name
}

#[tokio::test]
async fn kinds_by_every_name_in_one_picture() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("kinds").await.expect("a namespace");
    config_map(cluster, &namespace, "first", "1").await;
    let kubectl = |arguments: &'static str| {
        let words: Vec<String> = arguments
            .split(' ')
            .map(str::to_owned)
            .chain(["-n".to_owned(), namespace.clone()])
            .collect();
        async move {
            cluster
                .kubectl(&words.iter().map(String::as_str).collect::<Vec<_>>())
                .await
                .expect("kubectl works")
        }
    };
    kubectl("create deployment web --image=web:1 --replicas=0").await;
    kubectl("create service clusterip db --tcp=80").await;
    kubectl("create ingress door --rule=a.example/*=db:80").await;
    let arguments = [
        "watch",
        "cm,svc",
        "deploy",
        "ingresses.networking.k8s.io",
        "Namespace",
        "-n",
        &namespace,
        "--until-synced",
        "-o",
        "name",
    ];
    let finished = finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut lines: Vec<&str> = finished
        .stdout
        .lines()
        .filter(|line| !line.starts_with("namespace/"))
        .collect();
    lines.sort_unstable();
    let expected = [
        "configmap/first",
        "configmap/kube-root-ca.crt",
        "deployment.apps/web",
        "ingress.networking.k8s.io/door",
        "service/db",
    ];
    assert_eq!(lines, expected);
    assert!(
        finished.stdout.contains(&format!("namespace/{namespace}")),
        "cluster-scoped kinds come whole"
    );
}

#[tokio::test]
async fn json_tells_what_changed() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("json").await.expect("a namespace");
    config_map(cluster, &namespace, "old", "1").await;
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "configmaps", "-n", &namespace, "-o", "json"],
    ));
    let first = watch.event("the old one", is("ADDED", "old"));
    assert_eq!(
        (&first["initial"], &first["old"], &first["diff"]),
        (&Value::Bool(true), &Value::Null, &Value::Null)
    );
    assert_eq!(first["gvr"], "v1/configmaps");
    assert_eq!(
        (&first["object"]["kind"], &first["object"]["apiVersion"]),
        (&"ConfigMap".into(), &"v1".into())
    );
    watch.event("the mark", |event| event["event"] == "SYNCED");
    config_map(cluster, &namespace, "new", "1").await;
    assert_eq!(
        watch.event("the new one", is("ADDED", "new"))["initial"],
        false
    );
    config_map(cluster, &namespace, "new", "2").await;
    let change = watch.event("its change", is("MODIFIED", "new"));
    assert_eq!(change["old"]["data"]["key"], "1".to_owned());
    assert_eq!(
        change["diff"].to_string(),
        r#"[{"new":"2","old":"1","op":"change","path":"data.key"}]"#
    );
    cluster
        .kubectl(&["delete", "configmap", "new", "-n", &namespace])
        .await
        .expect("deleted");
    assert_eq!(
        watch.event("its end", is("DELETED", "new"))["object"]["data"]["key"],
        "2".to_owned()
    );
}

#[tokio::test]
async fn one_object_by_name_and_lines_with_the_change() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("name").await.expect("a namespace");
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "cm/wanted", "-n", &namespace],
    ));
    watch.line_with("SYNCED");
    config_map(cluster, &namespace, "other", "1").await;
    config_map(cluster, &namespace, "wanted", "1").await;
    assert_eq!(
        watch.line(),
        format!("ADDED    configmap/wanted -n {namespace}")
    );
    config_map(cluster, &namespace, "wanted", "2").await;
    assert_eq!(
        watch.line(),
        format!("MODIFIED configmap/wanted -n {namespace}  data.key: 1 → 2")
    );
}

#[tokio::test]
async fn values_of_secrets_stay_out_of_lines_and_diffs() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("secret").await.expect("a namespace");
    let apply = |value: &str| {
        let yaml = format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: s, namespace: {namespace}}}, stringData: {{password: {value}}}}}"
        );
        async move { cluster.apply(&yaml).await.expect("applied") }
    };
    let lines = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "secrets", "-n", &namespace],
    ));
    let diffs = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "secrets", "-n", &namespace, "-o", "diff"],
    ));
    lines.line_with("SYNCED");
    diffs.line_with("SYNCED");
    apply("hunter2").await;
    apply("correcthorse").await;
    let line = lines.line_with("MODIFIED");
    assert!(
        line.ends_with("data.password: <redacted, 7 bytes> → <redacted, 12 bytes>"),
        "{line}"
    );
    diffs.line_with("+<redacted, 12 bytes>");
    let json = finish(&mut tidegate(
        cluster.kubeconfig(),
        &[
            "watch",
            "secrets",
            "-n",
            &namespace,
            "-o",
            "json",
            "--until-synced",
        ],
    ));
    assert!(
        json.stdout.contains("Y29ycmVjdGhvcnNl"),
        "whole objects are whole, as with kubectl: {}",
        json.stdout
    );
}

#[tokio::test]
async fn filters_choose_and_say_when_they_fail() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("filter").await.expect("a namespace");
    config_map(cluster, &namespace, "small", "1").await;
    let filter = "object.data.key == 'big' || (old != null && old.data.key == 'big')";
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &[
            "watch", "cm", "-n", &namespace, "-o", "json", "--filter", filter,
        ],
    ));
    watch.event("the mark", |event| event["event"] == "SYNCED");
    config_map(cluster, &namespace, "tall", "big").await;
    config_map(cluster, &namespace, "tall", "little").await;
    config_map(cluster, &namespace, "tall", "least").await;
    config_map(cluster, &namespace, "last", "big").await;
    assert_eq!(
        watch.event("an event", |_| true)["object"]["data"]["key"],
        "big".to_owned()
    );
    assert_eq!(
        watch.event("an event", |_| true)["object"]["data"]["key"],
        "little".to_owned()
    );
    assert_eq!(
        watch.event("an event", |_| true)["object"]["metadata"]["name"],
        "last"
    );
    // kube-root-ca.crt has no data.key.
    assert!(
        watch
            .complaint("--filter fails on configmaps")
            .contains("there is no 'key'")
    );
}

#[tokio::test]
async fn tables_for_pipes() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("table").await.expect("a namespace");
    cluster
        .kubectl(&[
            "create",
            "deployment",
            "web",
            "--image=web:1",
            "--replicas=1",
            "-n",
            &namespace,
        ])
        .await
        .expect("created");
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "deploy,po", "-n", &namespace, "--table"],
    ));
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Kinds come in any order.
    let mut lines: Vec<Vec<String>> = Vec::new();
    let has = |lines: &[Vec<String>], kind: &str| lines.iter().any(|line| line[1] == kind);
    while !has(&lines, "Deployment") || !has(&lines, "Pod") {
        lines.push(words(&watch.line()));
    }
    let find = |word: &str| {
        lines
            .iter()
            .find(|line| line.iter().any(|cell| cell == word))
            .expect("there")
    };
    let header = [
        "NAMESPACE",
        "KIND",
        "NAME",
        "READY",
        "UP-TO-DATE",
        "AVAILABLE",
        "AGE",
    ];
    assert_eq!(*find("UP-TO-DATE"), header);
    assert_eq!(
        find("Deployment")[..4],
        [&namespace, "Deployment", "web", "0/1"]
    );
    // There is no kubelet, so the Pod stays where the scheduler would find it.
    assert_eq!(find("Pod")[3..6], ["0/1", "Pending", "0"]);
}

#[tokio::test]
async fn columns_of_custom_resources() {
    let cluster = cluster().await;
    let crd = crate::everything::crd("gauges.columns.example.com", "Gauge");
    cluster.apply(&crd).await.expect("applied");
    cluster
        .kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd/gauges.columns.example.com",
        ])
        .await
        .expect("established");
    let namespace = cluster.namespace("columns").await.expect("a namespace");
    let yaml = format!(
        "{{apiVersion: columns.example.com/v1, kind: Gauge, metadata: {{name: g, namespace: {namespace}}}, spec: {{size: 7}}}}"
    );
    cluster.apply(&yaml).await.expect("applied");
    let arguments = [
        "watch",
        "gauges",
        "-n",
        &namespace,
        "--table",
        "--until-synced",
    ];
    let finished = finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    let lines: Vec<Vec<&str>> = finished
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["NAMESPACE", "KIND", "NAME", "SIZE"]);
    assert_eq!(lines[1], [&namespace, "Gauge", "g", "7"]);
}

#[tokio::test]
async fn changes_only() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("changes").await.expect("a namespace");
    config_map(cluster, &namespace, "old", "1").await;
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "cm", "-n", &namespace, "--watch-only"],
    ));
    assert_eq!(watch.line(), "SYNCED   configmaps");
    config_map(cluster, &namespace, "old", "2").await;
    assert!(watch.line().starts_with("MODIFIED configmap/old"));
}

#[tokio::test]
async fn signals_end_it_in_good_order() {
    let cluster = cluster().await;
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut watch = Running::start(&mut tidegate(
            cluster.kubeconfig(),
            &["watch", "namespaces"],
        ));
        watch.line_with("SYNCED");
        watch.signal(signal);
        assert_eq!(watch.wait().code(), Some(code));
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("pipe").await.expect("a namespace");
    let mut watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "cm", "-n", &namespace, "--watch-only"],
    ));
    watch.line_with("SYNCED");
    watch.close_output();
    // The first event after that makes the reader close the pipe, the next one finds it closed.
    for number in ["1", "2", "3", "4"] {
        config_map(cluster, &namespace, "c", number).await;
    }
    assert_eq!(watch.wait().code(), Some(0));
}

#[tokio::test]
async fn an_exec_plugin_gives_the_credentials() {
    let cluster = cluster().await;
    let file =
        std::env::temp_dir().join(format!("tidegate-exec-{}.kubeconfig", std::process::id()));
    let answer = format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{}"}}}}"#,
        cluster.token()
    );
    let ca = cluster.dir().join("pki/ca.crt");
    let yaml = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [{{name: c, context: {{cluster: c, user: u, namespace: kube-system}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: '{}'}}}}]\n\
         users:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n\
         \x20     command: sh\n      args: ['-c', 'printf %s \"$ANSWER\"']\n      env: [{{name: ANSWER, value: '{answer}'}}]\n",
        cluster.server(),
        ca.display()
    );
    std::fs::write(&file, yaml).expect("written");
    let finished = finish(&mut tidegate(
        &file,
        &["watch", "serviceaccounts", "--until-synced", "-o", "name"],
    ));
    let _ = std::fs::remove_file(&file);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("serviceaccount/default"),
        "{finished:?}"
    );
}
