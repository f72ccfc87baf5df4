//! Time per object of each step, for Pods of 8.8 KB as a server sends them.
//!
//! `cargo run --release -p tidegate-wire --example measure [STEP [ROUNDS]]`: with a step, runs
//! that one alone, for a profiler. Prints the best of several rounds, since other processes
//! only ever add time.
#![expect(clippy::print_stdout, reason = "the numbers are its output")]

use std::{
    fmt::Write,
    hint::black_box,
    time::{Duration, Instant},
};

use tidegate_wire::{
    FeedError, Framer, ListParser, WatchParser, annotation, parse_event, parse_object, pointer,
};

const OBJECTS: u32 = 1_000;
const LIMIT: usize = 1 << 24;
type Step = (&'static str, fn(&Input));
const STEPS: &[Step] = &[
    ("framer 16K", |input| frame(input, 16 << 10)),
    ("parse_event", |input| each(&input.events, parse_event)),
    ("parse_object", |input| each(&input.pods, parse_object)),
    ("parse+clean", |input| clean(&input.pods)),
    ("parse+clean managed", |input| clean(&input.managed)),
    ("watch 16K", |input| watch(input, 16 << 10)),
    ("watch 64K", |input| watch(input, 64 << 10)),
    ("list 16K", |input| list(input, 16 << 10)),
    ("list 64K", |input| list(input, 64 << 10)),
    ("annotation", |input| {
        each(&input.pods, |pod| {
            annotation(pod, "checksum/config").ok_or(())
        })
    }),
    ("pointer", |input| {
        each(&input.pods, |pod| pointer(pod, "/spec/nodeName").ok_or(()))
    }),
];

struct Input {
    pods: Vec<Vec<u8>>,
    managed: Vec<Vec<u8>>,
    events: Vec<Vec<u8>>,
    stream: Vec<u8>,
    list: Vec<u8>,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (only, rounds) = (
        args.next(),
        args.next().and_then(|rounds| rounds.parse().ok()),
    );
    let input = input();
    let size = input.stream.len() / input.events.len();
    println!("{OBJECTS} objects, {size} bytes per event");
    for (name, step) in STEPS {
        if only.as_deref().is_some_and(|only| only != *name) {
            continue;
        }
        let mut best = Duration::MAX;
        for _ in 0..rounds.unwrap_or(20) {
            let start = Instant::now();
            step(&input);
            best = best.min(start.elapsed());
        }
        println!("{name:22} {:6} ns", best.as_nanos() / u128::from(OBJECTS));
    }
}

fn each<'a, T, E: std::fmt::Debug>(all: &'a [Vec<u8>], f: impl Fn(&'a [u8]) -> Result<T, E>) {
    for bytes in all {
        black_box(f(bytes).expect("an object"));
    }
}

fn clean(pods: &[Vec<u8>]) {
    let mut out = Vec::new();
    for pod in pods {
        out.clear();
        parse_object(pod)
            .expect("an object")
            .write_clean(Some(("v1", "Pod")), &mut out);
        black_box(&out);
    }
}

fn frame(input: &Input, size: usize) {
    let mut framer = Framer::new(LIMIT);
    for chunk in input.stream.chunks(size) {
        let fed: Result<(), FeedError<()>> = framer.feed(chunk, |frame| {
            black_box(frame);
            Ok(())
        });
        fed.expect("frames");
    }
}

fn watch(input: &Input, size: usize) {
    let mut parser = WatchParser::new(LIMIT);
    for chunk in input.stream.chunks(size) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |event| {
            black_box(event);
            Ok(())
        });
        fed.expect("events");
    }
}

fn list(input: &Input, size: usize) {
    let mut parser = ListParser::new(LIMIT);
    for chunk in input.list.chunks(size) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |item| {
            black_box(item);
            Ok(())
        });
        fed.expect("items");
    }
}

fn input() -> Input {
    let pods: Vec<String> = (0..OBJECTS).map(|number| pod(number, false)).collect();
    let managed = (0..OBJECTS).map(|number| pod(number, true).into_bytes());
    let event = |pod: &String| format!("{{\"type\":\"ADDED\",\"object\":{pod}}}\n").into_bytes();
    let events: Vec<Vec<u8>> = pods.iter().map(event).collect();
    let head =
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":["#;
    Input {
        managed: managed.collect(),
        stream: events.concat(),
        list: format!("{head}{}]}}", pods.join(",")).into_bytes(),
        pods: pods.into_iter().map(String::into_bytes).collect(),
        events,
    }
}

fn pod(number: u32, managed: bool) -> String {
    let mut json = format!(
        r#"{{"metadata":{{"name":"checkout-7c9d8b6f5d-{number:05x}","generateName":"checkout-7c9d8b6f5d-","namespace":"shop","uid":"6f1c{number:04x}-8a7b-4c3d-9e2f-0123456789ab","resourceVersion":"10{number}","generation":1,"creationTimestamp":"2026-11-25T03:45:39Z","labels":{{"app.kubernetes.io/instance":"checkout","app.kubernetes.io/name":"checkout","app.kubernetes.io/version":"2.31.4","pod-template-hash":"7c9d8b6f5d","team":"payments"}},"annotations":{{"checksum/config":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","cni.projectcalico.org/podIP":"10.244.3.17/32","k8s.v1.cni.cncf.io/network-status":"[{{\"name\":\"k8s-pod-network\",\"ips\":[\"10.244.3.17\"],\"default\":true,\"dns\":{{}}}}]"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"checkout-7c9d8b6f5d","uid":"0b1c2d3e-4f5a-6b7c-8d9e-0f1a2b3c4d5e","controller":true,"blockOwnerDeletion":true}}]"#
    );
    if managed {
        json.push_str(r#","managedFields":["#);
        for manager in 0..12 {
            let comma = if manager == 0 { "" } else { "," };
            let _ = write!(
                json,
                r#"{comma}{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-25T03:45:39Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}},"f:pod-template-hash":{{}}}}}},"f:spec":{{"f:containers":{{"k:{{\"name\":\"main\"}}":{{".":{{}},"f:env":{{".":{{}},"k:{{\"name\":\"PORT\"}}":{{".":{{}},"f:name":{{}},"f:value":{{}}}}}},"f:image":{{}},"f:imagePullPolicy":{{}}}}}}}}}}}}"#
            );
        }
        json.push(']');
    }
    json.push_str(r#"},"spec":{"volumes":[{"name":"config","configMap":{"name":"checkout-config","defaultMode":420}},{"name":"kube-api-access-x7x2p","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],"containers":["#);
    for (index, name) in ["main", "istio-proxy", "log-shipper"]
        .into_iter()
        .enumerate()
    {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            json,
            r#"{comma}{{"name":"{name}","image":"registry.example.com/shop/{name}:2.31.4","args":["--listen=0.0.0.0:8080","--log=json"],"ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],"env":["#
        );
        for env in 0..12 {
            let comma = if env == 0 { "" } else { "," };
            let _ = write!(
                json,
                r#"{comma}{{"name":"SETTING_{env}","value":"http://service-{env}.shop.svc.cluster.local:8080"}}"#
            );
        }
        json.push_str(r#"],"resources":{"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"250m","memory":"512Mi"}},"volumeMounts":[{"name":"config","readOnly":true,"mountPath":"/etc/config"},{"name":"kube-api-access-x7x2p","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"initialDelaySeconds":5,"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{"capabilities":{"drop":["ALL"]},"runAsNonRoot":true,"readOnlyRootFilesystem":true}}"#);
    }
    json.push_str(r#"],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"checkout","serviceAccount":"checkout","nodeName":"node-17","securityContext":{},"schedulerName":"default-scheduler","tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{"phase":"Running","conditions":["#);
    for (index, kind) in [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    .into_iter()
    .enumerate()
    {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            json,
            r#"{comma}{{"type":"{kind}","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-11-25T03:45:41Z"}}"#
        );
    }
    json.push_str(r#"],"hostIP":"192.168.0.17","hostIPs":[{"ip":"192.168.0.17"}],"podIP":"10.244.3.17","podIPs":[{"ip":"10.244.3.17"}],"startTime":"2026-11-25T03:45:39Z","containerStatuses":["#);
    for (index, name) in ["main", "istio-proxy", "log-shipper"]
        .into_iter()
        .enumerate()
    {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            json,
            r#"{comma}{{"name":"{name}","state":{{"running":{{"startedAt":"2026-11-25T03:45:40Z"}}}},"lastState":{{}},"ready":true,"restartCount":0,"image":"registry.example.com/shop/{name}:2.31.4","imageID":"registry.example.com/shop/{name}@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","containerID":"containerd://9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","started":true}}"#
        );
    }
    json.push_str(r#"],"qosClass":"Burstable"}}"#);
    json
}
