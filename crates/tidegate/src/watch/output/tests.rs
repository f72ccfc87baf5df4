//! Goldens of every format over one small story: a Pod starts, a Secret changes, things go away.

use super::{
    CrdColumns, Format, Look, Printer, Style,
    columns::{Columns, Subject},
    printer,
    table::LiveTable,
};
use crate::watch::{
    event::{
        EventKind, WatchEvent,
        testing::{event, modified, pods, resource},
    },
    report::Reporter,
};
use expect_test::{Expect, expect};
use jiff::Timestamp;
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-11-25T10:00:00.5Z".parse().expect("a time")
}

fn look(color: bool) -> Look {
    Look {
        style: Style { color },
        timestamps: false,
        live: false,
        crd_columns: CrdColumns::default(),
        report: Reporter::default(),
    }
}

fn pod(phase: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": phase,
                     "creationTimestamp": "2026-11-25T09:55:00Z"},
        "spec": {"containers": [{"name": "app", "image": "web:1"}], "nodeName": "node-1"},
        "status": {"phase": phase, "podIP": "10.0.0.7",
                   "containerStatuses": [{"name": "app", "ready": phase == "Running", "restartCount": 2,
                                          "state": {"running": {}},
                                          "lastState": {"terminated": {"finishedAt": "2026-11-25T09:58:00Z"}}}]},
    })
}

fn secret(value: &str) -> Value {
    json!({"kind": "Secret", "metadata": {"name": "key", "namespace": "shop"}, "data": {"token": value}, "type": "Opaque"})
}

fn config(text: &str) -> Value {
    json!({"kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"app.conf": text}})
}

fn story() -> Vec<WatchEvent> {
    let secrets = resource("Secret", "secrets", "");
    let maps = resource("ConfigMap", "configmaps", "");
    let mut unknown = event(EventKind::Deleted, &pods(), &pod("Running"));
    unknown.final_state_unknown = true;
    let mut noise = pod("Running");
    noise["metadata"]["resourceVersion"] = json!("other");
    vec![
        WatchEvent {
            initial: true,
            ..event(EventKind::Added, &pods(), &pod("Pending"))
        },
        WatchEvent::synced(pods()),
        modified(&pods(), &pod("Pending"), &pod("Running")),
        modified(&pods(), &pod("Running"), &noise),
        modified(&secrets, &secret("aHVudGVyMg=="), &secret("aHVudGVyMjM=")),
        modified(
            &maps,
            &config("a\nb\nc\nd\ne\nf\ng"),
            &config("a\nb\nc\nd\ne\nx\ng"),
        ),
        unknown,
    ]
}

/// Only this function touches the API.
fn check(format: Format, look: &Look, events: &[WatchEvent], expect: Expect) {
    let mut printer = printer(format, look);
    let mut out = Vec::new();
    for event in events {
        printer
            .event(event, now(), &mut out)
            .expect("memory can be written");
    }
    printer
        .finish(now(), &mut out)
        .expect("memory can be written");
    expect.assert_eq(&String::from_utf8(out).expect("text").replace('\u{1b}', "␛"));
}

#[test]
fn line() {
    check(
        Format::Line,
        &look(false),
        &story(),
        expect![[r#"
        ADDED    pod/web -n shop
        SYNCED   pods
        MODIFIED pod/web -n shop  status.phase: Pending → Running, status.containerStatuses[app].ready: false → true
        MODIFIED pod/web -n shop  (bookkeeping only)
        MODIFIED secret/key -n shop  data.token: <redacted, 7 bytes> → <redacted, 8 bytes>
        MODIFIED configmap/files  data[app.conf]: +1 -1 lines
        DELETED  pod/web -n shop  (final state unknown)
    "#]],
    );
    let timestamps = Look {
        timestamps: true,
        ..look(true)
    };
    check(
        Format::Line,
        &timestamps,
        &story()[..3],
        expect![[r#"
        ␛[2m2026-11-25T10:00:00.500Z␛[0m ␛[32mADDED   ␛[0m ␛[1mpod/web␛[0m ␛[2m-n shop␛[0m
        ␛[2m2026-11-25T10:00:00.500Z␛[0m ␛[36mSYNCED  ␛[0m ␛[1mpods␛[0m
        ␛[2m2026-11-25T10:00:00.500Z␛[0m ␛[33mMODIFIED␛[0m ␛[1mpod/web␛[0m ␛[2m-n shop␛[0m  status.phase: Pending → Running, status.containerStatuses[app].ready: false → true
    "#]],
    );
}

#[test]
fn json_is_one_object_a_line() {
    check(
        Format::Json,
        &look(false),
        &story()[..3],
        expect![[r#"
        {"event":"ADDED","gvr":"v1/pods","initial":true,"object":{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-11-25T09:55:00Z","name":"web","namespace":"shop","resourceVersion":"Pending","uid":"u1"},"spec":{"containers":[{"image":"web:1","name":"app"}],"nodeName":"node-1"},"status":{"containerStatuses":[{"lastState":{"terminated":{"finishedAt":"2026-11-25T09:58:00Z"}},"name":"app","ready":false,"restartCount":2,"state":{"running":{}}}],"phase":"Pending","podIP":"10.0.0.7"}},"old":null,"diff":null}
        {"event":"SYNCED","gvr":"v1/pods","initial":true,"object":null,"old":null,"diff":null}
        {"event":"MODIFIED","gvr":"v1/pods","initial":false,"object":{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-11-25T09:55:00Z","name":"web","namespace":"shop","resourceVersion":"Running","uid":"u1"},"spec":{"containers":[{"image":"web:1","name":"app"}],"nodeName":"node-1"},"status":{"containerStatuses":[{"lastState":{"terminated":{"finishedAt":"2026-11-25T09:58:00Z"}},"name":"app","ready":true,"restartCount":2,"state":{"running":{}}}],"phase":"Running","podIP":"10.0.0.7"}},"old":{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-11-25T09:55:00Z","name":"web","namespace":"shop","resourceVersion":"Pending","uid":"u1"},"spec":{"containers":[{"image":"web:1","name":"app"}],"nodeName":"node-1"},"status":{"containerStatuses":[{"lastState":{"terminated":{"finishedAt":"2026-11-25T09:58:00Z"}},"name":"app","ready":false,"restartCount":2,"state":{"running":{}}}],"phase":"Pending","podIP":"10.0.0.7"}},"diff":[{"new":true,"old":false,"op":"change","path":"status.containerStatuses[app].ready"},{"new":"Running","old":"Pending","op":"change","path":"status.phase"}]}
    "#]],
    );
    let mut pretty = event(EventKind::Added, &pods(), &json!({}));
    pretty.object = Some(std::sync::Arc::new(crate::watch::event::Body::new(
        bytes::Bytes::from_static(b"{\n\"a\": 1\n}"),
    )));
    check(
        Format::Json,
        &look(false),
        &[pretty],
        expect![[r#"
        {"event":"ADDED","gvr":"v1/pods","initial":false,"object":{"a":1},"old":null,"diff":null}
    "#]],
    );
    check(
        Format::Json,
        &look(false),
        &story()[4..5],
        expect![[r#"
        {"event":"MODIFIED","gvr":"v1/secrets","initial":false,"object":{"data":{"token":"aHVudGVyMjM="},"kind":"Secret","metadata":{"name":"key","namespace":"shop"},"type":"Opaque"},"old":{"data":{"token":"aHVudGVyMg=="},"kind":"Secret","metadata":{"name":"key","namespace":"shop"},"type":"Opaque"},"diff":[{"new":"<redacted, 8 bytes>","old":"<redacted, 7 bytes>","op":"change","path":"data.token"}]}
    "#]],
    );
}

#[test]
fn yaml() {
    let tricky = json!({"metadata": {"name": "t"}, "data": {"yes": "yes", "number": "012", "lines": "a\nb\n", "empty": ""}});
    check(
        Format::Yaml,
        &look(false),
        &[event(
            EventKind::Added,
            &resource("ConfigMap", "configmaps", ""),
            &tricky,
        )],
        expect![[r#"
        ---
        diff: null
        event: ADDED
        gvr: v1/configmaps
        initial: false
        object:
          data:
            empty: ""
            lines: |
              a
              b
            number: "012"
            "yes": "yes"
          metadata:
            name: t
        old: null
    "#]],
    );
}

#[test]
fn yaml_reads_back_as_the_same_value() {
    let odd = json!({"a": "null", "b": "1e3", "c": "0x10", "d": " lead", "e": "tab\there", "f": "- x", "g": "k: v", "h": "#c",
                     "i": "~", "j": "true", "k": "2026-11-25", "l": "ünï\u{7f}", "m": "a\n\n b\n", "n": [[], {}, [1, [2]]],
                     "o": -1.5e300, "p": u64::MAX, "q": "trailing \nspace ", "r": "'\"\\", "s": "\u{feff}", "t": "=", "u": "on"});
    let text = serde_saphyr::to_string(&odd).expect("yaml");
    let back: Value = serde_saphyr::from_str(&text).expect("the same yaml");
    assert_eq!(back, odd, "{text}");
}

#[test]
fn name() {
    let mut events = story();
    events.push(event(
        EventKind::Added,
        &resource("Deployment", "deployments", "apps"),
        &pod("x"),
    ));
    check(
        Format::Name,
        &look(false),
        &events,
        expect![[r#"
        pod/web
        pod/web
        pod/web
        secret/key
        configmap/files
        pod/web
        deployment.apps/web
    "#]],
    );
}

#[test]
fn diff() {
    check(
        Format::Diff,
        &look(false),
        &story(),
        expect![[r#"
        ADDED pod/web -n shop
        SYNCED pods
        MODIFIED pod/web -n shop
        @@ status.containerStatuses[app].ready @@
        -false
        +true
        @@ status.phase @@
        -Pending
        +Running
        MODIFIED pod/web -n shop
        MODIFIED secret/key -n shop
        @@ data.token @@
        -<redacted, 7 bytes>
        +<redacted, 8 bytes>
        MODIFIED configmap/files
        @@ data[app.conf] @@
         …
         d
         e
        -f
        +x
         g
        DELETED pod/web -n shop
    "#]],
    );
    check(
        Format::Diff,
        &look(true),
        &story()[2..3],
        expect![[r#"
        ␛[33mMODIFIED␛[0m ␛[1mpod/web␛[0m ␛[2m-n shop␛[0m
        ␛[36m@@ status.containerStatuses[app].ready @@␛[0m
        ␛[31m-false␛[0m
        ␛[32m+true␛[0m
        ␛[36m@@ status.phase @@␛[0m
        ␛[31m-Pending␛[0m
        ␛[32m+Running␛[0m
    "#]],
    );
}

#[test]
fn rows_for_pipes() {
    check(
        Format::Table { wide: false },
        &look(false),
        &story(),
        expect![[r#"
        NAMESPACE   KIND   NAME   READY   STATUS    RESTARTS     AGE
        shop        Pod    web    0/1     Pending   2 (2m ago)   5m
        shop        Pod    web    1/1     Running   2 (2m ago)   5m
        shop        Pod    web    1/1     Running   2 (2m ago)   5m
        NAMESPACE   KIND     NAME   TYPE     DATA   AGE
        shop        Secret   key    Opaque   1      <unknown>
        NAMESPACE   KIND        NAME    DATA   AGE
                    ConfigMap   files   1      <unknown>
        shop        Pod    web    1/1     Running   2 (2m ago)   5m
    "#]],
    );
    check(
        Format::Wide,
        &look(false),
        &story(),
        expect![[r#"
        EVENT      NAMESPACE   KIND   NAME   READY   STATUS    RESTARTS     AGE   IP         NODE     NOMINATED NODE   READINESS GATES
        ADDED      shop        Pod    web    0/1     Pending   2 (2m ago)   5m    10.0.0.7   node-1   <none>           <none>
        MODIFIED   shop        Pod    web    1/1     Running   2 (2m ago)   5m    10.0.0.7   node-1   <none>           <none>
        MODIFIED   shop        Pod    web    1/1     Running   2 (2m ago)   5m    10.0.0.7   node-1   <none>           <none>
        EVENT      NAMESPACE   KIND     NAME   TYPE     DATA   AGE
        MODIFIED   shop        Secret   key    Opaque   1      <unknown>
        EVENT      NAMESPACE   KIND        NAME    DATA   AGE
        MODIFIED               ConfigMap   files   1      <unknown>
        DELETED    shop        Pod    web    1/1     Running   2 (2m ago)   5m    10.0.0.7   node-1   <none>           <none>
    "#]],
    );
}

#[test]
fn live_table_redraws_in_place() {
    let mut table = LiveTable::new(&look(false), false).with_size(|| (60, 5));
    let mut out = Vec::new();
    let events = story();
    table.event(&events[0], now(), &mut out).expect("memory");
    table.idle(now(), &mut out).expect("memory");
    out.extend_from_slice(b"--\n");
    for event in &events[2..] {
        table.event(event, now(), &mut out).expect("memory");
    }
    let later = now() + std::time::Duration::from_secs(1);
    table.idle(later, &mut out).expect("memory");
    out.extend_from_slice(b"--\n");
    table
        .finish(later + std::time::Duration::from_secs(5), &mut out)
        .expect("memory");
    expect![[r#"
        ␍NAMESPACE   KIND   NAME   READY   STATUS    RESTARTS     AGE␛[K
        ␍shop        Pod    web    0/1     Pending   2 (2m ago)   5m␛[K
        ␛[J--
        ␛[2A␍NAMESPACE   KIND        NAME    DATA   AGE␛[K
        ␍            ConfigMap   files   1      <unknown>␛[K
        ␍… 5 more lines␛[K
        ␛[J--
        ␛[3A␍NAMESPACE   KIND        NAME    DATA   AGE␛[K
        ␍            ConfigMap   files   1      <unknown>␛[K
        ␍… 2 more lines␛[K
        ␛[J"#]]
    .assert_eq(
        &String::from_utf8(out)
            .expect("text")
            .replace('\u{1b}', "␛")
            .replace('\r', "␍"),
    );
}

fn check_cells(kind: (&str, &str, &str), wide: bool, object: &Value, expect: Expect) {
    let columns = Columns::of(
        &resource(kind.0, kind.1, kind.2),
        wide,
        &CrdColumns::default(),
    );
    let cells = columns.cells(&Subject { object, now: now() });
    let pairs: Vec<String> = columns
        .titles()
        .iter()
        .zip(&cells)
        .map(|(title, cell)| format!("{title}={cell}"))
        .collect();
    expect.assert_eq(&pairs.join(" "));
}

#[test]
fn columns_read_as_in_kubectl() {
    let time = "2026-11-25T09:00:00Z";
    let meta = json!({"name": "x", "creationTimestamp": time});
    check_cells(
        ("Service", "services", ""),
        true,
        &json!({"metadata": meta, "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"a": "b"},
                "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}}),
        expect![
            "TYPE=LoadBalancer CLUSTER-IP=10.0.0.1 EXTERNAL-IP=<pending> PORT(S)=80:30080/TCP,53/UDP AGE=60m SELECTOR=a=b"
        ],
    );
    check_cells(
        ("Deployment", "deployments", "apps"),
        false,
        &json!({"metadata": meta, "spec": {"replicas": 3}, "status": {"readyReplicas": 2, "updatedReplicas": 3}}),
        expect!["READY=2/3 UP-TO-DATE=3 AVAILABLE=0 AGE=60m"],
    );
    check_cells(
        ("Ingress", "ingresses", "networking.k8s.io"),
        false,
        &json!({"metadata": meta, "spec": {"rules": [{"host": "a.com"}, {}], "tls": [{}]}, "status": {"loadBalancer": {"ingress": [{"hostname": "lb"}]}}}),
        expect!["CLASS=<none> HOSTS=a.com ADDRESS=lb PORTS=80, 443 AGE=60m"],
    );
    check_cells(
        ("Node", "nodes", ""),
        false,
        &json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}, "creationTimestamp": time},
                "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.37.2"}}}),
        expect!["STATUS=Ready,SchedulingDisabled ROLES=control-plane AGE=60m VERSION=v1.37.2"],
    );
    check_cells(
        ("Job", "jobs", "batch"),
        false,
        &json!({"metadata": meta, "spec": {"completions": 2}, "status": {"succeeded": 1, "startTime": time}}),
        expect!["STATUS=Running COMPLETIONS=1/2 DURATION=60m AGE=60m"],
    );
    check_cells(
        ("Widget", "widgets", "example.com"),
        false,
        &json!({"metadata": meta}),
        expect!["AGE=60m"],
    );
    check_cells(
        ("Pod", "pods", ""),
        false,
        &json!({"nonsense": [1]}),
        expect!["READY=0/0 STATUS= RESTARTS=0 AGE=<unknown>"],
    );
}

#[test]
fn pod_status_follows_kubectl() {
    let cases = [
        (
            json!({"status": {"phase": "Running", "reason": "Evicted"}}),
            "Evicted",
        ),
        (
            json!({"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}),
            "ImagePullBackOff",
        ),
        (
            json!({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}}),
            "ExitCode:3",
        ),
        (
            json!({"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Running"}}),
            "Terminating",
        ),
        (
            json!({"spec": {"initContainers": [{"name": "a"}, {"name": "b"}]},
                   "status": {"phase": "Pending", "initContainerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0}}}, {"name": "b", "state": {"running": {}}}]}}),
            "Init:1/2",
        ),
        (
            json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}}),
            "SchedulingGated",
        ),
    ];
    for (pod, expected) in cases {
        let columns = Columns::of(&pods(), false, &CrdColumns::default());
        assert_eq!(
            columns.cells(&Subject {
                object: &pod,
                now: now()
            })[1],
            expected,
            "{pod}"
        );
    }
}

#[test]
fn crd_columns_are_learnt() {
    let widgets = resource("Widget", "widgets", "example.com");
    let crds = CrdColumns::default();
    crds.learn(
        &widgets,
        &json!({"spec": {"versions": [{"name": "v1", "additionalPrinterColumns": [
            {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]}]}}),
    );
    let columns = Columns::of(&widgets, false, &crds);
    assert_eq!(columns.titles(), ["PHASE", "AGE"]);
    let object = json!({"metadata": {"creationTimestamp": "2026-11-25T09:59:00Z"}, "status": {"phase": "\u{1b}[31mUp"}});
    assert_eq!(
        columns.cells(&Subject {
            object: &object,
            now: now()
        }),
        ["\\u{1b}[31mUp", "60s"]
    );
}
