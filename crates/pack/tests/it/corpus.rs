//! Seeded generator of realistic Kubernetes objects as JSON, in the order in which a server lists
//! them: Pods, Deployments, EndpointSlices, Secrets.
//!
//! Knows nothing of this crate. The same seed always gives the same bytes.

use std::fmt::Write;

/// One generated object with the sibling hash that an informer would compute.
pub(crate) struct Object {
    pub(crate) json: Vec<u8>,
    pub(crate) sibling: Option<u64>,
}

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("bound fits")
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn text(&mut self, alphabet: &str, len: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..len)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }

    /// The alphabet of Kubernetes' generated names.
    fn suffix(&mut self, len: usize) -> String {
        self.text("bcdfghjklmnpqrstvwxz2456789", len)
    }

    fn hex(&mut self, len: usize) -> String {
        self.text("0123456789abcdef", len)
    }

    fn uid(&mut self) -> String {
        let (a, b, c) = (self.hex(8), self.hex(4), self.hex(3));
        let (d, e, f) = (self.text("89ab", 1), self.hex(3), self.hex(12));
        format!("{a}-{b}-4{c}-{d}{e}-{f}")
    }
}

const WORDS: [&str; 24] = [
    "checkout",
    "payments",
    "ledger",
    "search",
    "catalog",
    "inventory",
    "shipping",
    "gateway",
    "session",
    "profile",
    "billing",
    "notify",
    "media",
    "render",
    "pricing",
    "fraud",
    "export",
    "ingest",
    "audit",
    "recommend",
    "cart",
    "quota",
    "scheduler",
    "archive",
];
const ROLES: [&str; 8] = [
    "api", "worker", "web", "cron", "cache", "proxy", "sync", "events",
];
const ENV: [&str; 20] = [
    "LOG_LEVEL",
    "DATABASE_URL",
    "REDIS_ADDR",
    "KAFKA_BROKERS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "FEATURE_FLAGS",
    "HTTP_PORT",
    "GRPC_PORT",
    "CACHE_TTL_SECONDS",
    "MAX_CONNECTIONS",
    "REGION",
    "CLUSTER_NAME",
    "SENTRY_DSN",
    "STATSD_HOST",
    "WORKER_CONCURRENCY",
    "REQUEST_TIMEOUT",
    "S3_BUCKET",
    "VAULT_ADDR",
    "GOMAXPROCS",
    "TRACING_SAMPLE_RATE",
];

/// Seconds since an epoch in 2026, as Kubernetes prints times.
fn time(seconds: usize) -> String {
    let (day, rest) = (seconds / 86_400, seconds % 86_400);
    let (month, day) = (1 + day / 28 % 12, 1 + day % 28);
    let (h, m, s) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("2026-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What the pods of one owner share.
struct Template {
    app: String,
    namespace: String,
    owner: String,
    owner_uid: String,
    pod_hash: String,
    labels: String,
    annotations: String,
    containers: Vec<Container>,
    volumes: String,
    service_account: String,
    rolled_out: usize,
}

struct Container {
    name: String,
    image: String,
    digest: String,
    spec: String,
}

impl Template {
    fn new(random: &mut Random) -> Self {
        let app = format!("{}-{}", random.pick(&WORDS), random.pick(&ROLES));
        let namespace = format!(
            "team-{}-{}",
            random.pick(&WORDS),
            random.pick(&["prod", "stage", "dev"])
        );
        let pod_hash = random.suffix(10);
        let labels = format!(
            r#""app.kubernetes.io/component":"{}","app.kubernetes.io/instance":"{app}","app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/name":"{app}","app.kubernetes.io/part-of":"{}","app.kubernetes.io/version":"{}.{}.{}","helm.sh/chart":"{app}-{}.{}.0","pod-template-hash":"{pod_hash}","team":"{}""#,
            random.pick(&ROLES),
            random.pick(&WORDS),
            random.below(5),
            random.below(40),
            random.below(20),
            random.below(5),
            random.below(90),
            random.pick(&WORDS),
        );
        let annotations = format!(
            r#""checksum/config":"{}","checksum/secret":"{}","cluster-autoscaler.kubernetes.io/safe-to-evict":"true","prometheus.io/path":"/metrics","prometheus.io/port":"{}","prometheus.io/scrape":"true""#,
            random.hex(64),
            random.hex(64),
            9000 + random.below(100),
        );
        let mut names = vec![app.clone(), "istio-proxy".into()];
        if random.below(3) == 0 {
            names.push("log-shipper".into());
        }
        let containers = names
            .into_iter()
            .map(|name| Container::new(random, name, &app))
            .collect();
        let volumes = format!(
            r#"{{"configMap":{{"defaultMode":420,"name":"{app}-config"}},"name":"config"}},{{"name":"tls","secret":{{"defaultMode":420,"secretName":"{app}-tls"}}}},{{"emptyDir":{{"sizeLimit":"{}Mi"}},"name":"tmp"}}"#,
            64 << random.below(4),
        );
        Self {
            owner: format!("{app}-{pod_hash}"),
            owner_uid: random.uid(),
            service_account: app.clone(),
            rolled_out: random.below(200 * 86_400),
            app,
            namespace,
            pod_hash,
            labels,
            annotations,
            containers,
            volumes,
        }
    }
}

impl Container {
    fn new(random: &mut Random, name: String, app: &str) -> Self {
        let mut env = String::new();
        for _ in 0..7 + random.below(6) {
            let (key, port) = (random.pick(&ENV), 1000 + random.below(9000));
            let value = match random.below(3) {
                0 => format!(
                    "{}.{}.svc.cluster.local:{port}",
                    random.pick(&WORDS),
                    random.pick(&WORDS)
                ),
                1 => port.to_string(),
                _ => format!("{}-{}", random.pick(&WORDS), random.hex(8)),
            };
            let _ = write!(env, r#"{{"name":"{key}","value":"{value}"}},"#);
        }
        let port = 8000 + random.below(200);
        let probe = |path: &str, delay: usize| {
            format!(
                r#"{{"failureThreshold":3,"httpGet":{{"path":"/{path}","port":{port},"scheme":"HTTP"}},"initialDelaySeconds":{delay},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":{}}}"#,
                1 + delay % 5,
            )
        };
        let image = format!(
            "registry.internal.example.com/{app}/{name}:v{}.{}.{}",
            random.below(4),
            random.below(60),
            random.below(30)
        );
        let (live, ready) = (
            probe("healthz", random.below(30)),
            probe("readyz", random.below(30)),
        );
        let spec = format!(
            r#""args":["--config=/etc/{app}/config.yaml","--listen=0.0.0.0:{port}","--v={}"],"env":[{env}{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}},{{"name":"POD_IP","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"status.podIP"}}}}}}],"image":"{image}","imagePullPolicy":"IfNotPresent","livenessProbe":{live},"name":"{name}","ports":[{{"containerPort":{port},"name":"http","protocol":"TCP"}}],"readinessProbe":{ready},"resources":{{"limits":{{"cpu":"{}","memory":"{}Mi"}},"requests":{{"cpu":"{}m","memory":"{}Mi"}}}},"securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}},"readOnlyRootFilesystem":true,"runAsNonRoot":true,"runAsUser":{}}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File""#,
            random.below(5),
            1 + random.below(4),
            256 << random.below(4),
            50 * (1 + random.below(10)),
            128 << random.below(4),
            1000 + random.below(3),
        );
        Self {
            digest: random.hex(64),
            name,
            image,
            spec,
        }
    }

    fn render(&self, token: &str) -> String {
        format!(
            r#"{{{},"volumeMounts":[{{"mountPath":"/etc/config","name":"config","readOnly":true}},{{"mountPath":"/etc/tls","name":"tls","readOnly":true}},{{"mountPath":"/tmp","name":"tmp"}},{{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access-{token}","readOnly":true}}]}}"#,
            self.spec,
        )
    }

    fn status(&self, random: &mut Random, started: usize) -> String {
        let restarts = if random.below(10) == 0 {
            1 + random.below(5)
        } else {
            0
        };
        let last = if restarts == 0 {
            "{}".into()
        } else {
            format!(
                r#"{{"terminated":{{"containerID":"containerd://{}","exitCode":{},"finishedAt":"{}","reason":"Error","startedAt":"{}"}}}}"#,
                random.hex(64),
                1 + random.below(137),
                time(started + 5000),
                time(started),
            )
        };
        let running = time(started + restarts * 5010);
        format!(
            r#"{{"containerID":"containerd://{}","image":"{}","imageID":"{}@sha256:{}","lastState":{last},"name":"{}","ready":true,"restartCount":{restarts},"started":true,"state":{{"running":{{"startedAt":"{running}"}}}}}}"#,
            random.hex(64),
            self.image,
            self.image.rsplit_once(':').map_or("", |(name, _)| name),
            self.digest,
            self.name,
        )
    }
}

fn pod(random: &mut Random, t: &Template, nodes: usize) -> Object {
    let (suffix, token, uid) = (random.suffix(5), random.suffix(5), random.uid());
    let spread = if random.below(4) == 0 {
        86_400 * 20
    } else {
        120
    };
    let created = t.rolled_out + random.below(spread);
    let (scheduled, started) = (created + random.below(2), created + 1 + random.below(4));
    let ready = started + 5 + random.below(30);
    let node = random.below(nodes);
    let host_ip = format!(
        "10.{}.{}.{}",
        12 + node / 60_000,
        node / 250 % 250,
        node % 250 + 2
    );
    let pod_ip = format!(
        "100.{}.{}.{}",
        64 + node / 250 % 60,
        node % 250,
        random.below(250) + 2
    );
    let version = 400_000_000 + random.below(400_000_000);
    let containers: Vec<String> = t.containers.iter().map(|c| c.render(&token)).collect();
    let statuses: Vec<String> = t
        .containers
        .iter()
        .map(|c| c.status(random, started + 1))
        .collect();
    let mut conditions = String::new();
    for (kind, at) in [
        ("PodReadyToStartContainers", started),
        ("Initialized", scheduled),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", scheduled),
    ] {
        let _ = write!(
            conditions,
            r#"{{"lastProbeTime":null,"lastTransitionTime":"{}","status":"True","type":"{kind}"}},"#,
            time(at)
        );
    }
    conditions.pop();
    let (namespace, owner, app, hash10) = (&t.namespace, &t.owner, &t.app, &t.pod_hash);
    let json = format!(
        r#"{{"metadata":{{"name":"{owner}-{suffix}","generateName":"{owner}-","namespace":"{namespace}","uid":"{uid}","resourceVersion":"{version}","generation":1,"creationTimestamp":"{}","labels":{{{}}},"annotations":{{{}}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{owner}","uid":"{}","controller":true,"blockOwnerDeletion":true}}]}},"spec":{{"volumes":[{},{{"name":"kube-api-access-{token}","projected":{{"defaultMode":420,"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"items":[{{"key":"ca.crt","path":"ca.crt"}}],"name":"kube-root-ca.crt"}}}},{{"downwardAPI":{{"items":[{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}},"path":"namespace"}}]}}}}]}}}}],"containers":[{}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"{}","serviceAccount":"{}","nodeName":"node-{node:05}.{}.internal","securityContext":{{"fsGroup":1000,"seccompProfile":{{"type":"RuntimeDefault"}}}},"affinity":{{"podAntiAffinity":{{"preferredDuringSchedulingIgnoredDuringExecution":[{{"weight":100,"podAffinityTerm":{{"labelSelector":{{"matchLabels":{{"app.kubernetes.io/name":"{app}","pod-template-hash":"{hash10}"}}}},"topologyKey":"kubernetes.io/hostname"}}}}]}}}},"schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},"status":{{"observedGeneration":1,"phase":"Running","conditions":[{conditions}],"hostIP":"{host_ip}","hostIPs":[{{"ip":"{host_ip}"}}],"podIP":"{pod_ip}","podIPs":[{{"ip":"{pod_ip}"}}],"startTime":"{}","containerStatuses":[{}],"qosClass":"Burstable"}}}}"#,
        time(created),
        t.labels,
        t.annotations,
        t.owner_uid,
        t.volumes,
        containers.join(","),
        t.service_account,
        t.service_account,
        ["eu-west-1a", "eu-west-1b", "eu-west-1c"][node % 3],
        time(scheduled),
        statuses.join(","),
    );
    Object {
        json: json.into_bytes(),
        sibling: Some(hash(&t.owner_uid)),
    }
}

/// `count` Pods of about 8.5 KB in list order: about 10 per owner, some owners with 1 or 200.
pub(crate) fn pods(seed: u64, count: usize) -> Vec<Object> {
    let mut random = Random::new(seed);
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let template = Template::new(&mut random);
        let replicas = match random.below(100) {
            0..20 => 1,
            20 => 200,
            _ => 2 + random.below(16),
        };
        for _ in 0..replicas.min(count - all.len()) {
            let object = pod(&mut random, &template, 5000);
            all.push(object);
        }
    }
    all
}

/// `count` Deployments of about 5 KB; they have no siblings.
pub(crate) fn deployments(seed: u64, count: usize) -> Vec<Object> {
    let mut random = Random::new(seed);
    (0..count).map(|_| deployment(&mut random)).collect()
}

fn deployment(random: &mut Random) -> Object {
    let t = Template::new(random);
    let (replicas, revision) = (1 + random.below(20), 1 + random.below(90));
    let version = 400_000_000 + random.below(400_000_000);
    let containers: Vec<String> = t
        .containers
        .iter()
        .map(|c| format!("{{{}}}", c.spec))
        .collect();
    let (app, namespace, owner) = (&t.app, &t.namespace, &t.owner);
    let json = format!(
        r#"{{"metadata":{{"name":"{app}","namespace":"{namespace}","uid":"{}","resourceVersion":"{version}","generation":{revision},"creationTimestamp":"{}","labels":{{{}}},"annotations":{{"deployment.kubernetes.io/revision":"{revision}","meta.helm.sh/release-name":"{app}","meta.helm.sh/release-namespace":"{namespace}"}}}},"spec":{{"replicas":{replicas},"selector":{{"matchLabels":{{"app.kubernetes.io/instance":"{app}","app.kubernetes.io/name":"{app}"}}}},"template":{{"metadata":{{"creationTimestamp":null,"labels":{{{}}},"annotations":{{{}}}}},"spec":{{"volumes":[{}],"containers":[{}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"{app}","serviceAccount":"{app}","securityContext":{{}},"schedulerName":"default-scheduler"}}}},"strategy":{{"type":"RollingUpdate","rollingUpdate":{{"maxUnavailable":"25%","maxSurge":"25%"}}}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}},"status":{{"observedGeneration":{revision},"replicas":{replicas},"updatedReplicas":{replicas},"readyReplicas":{replicas},"availableReplicas":{replicas},"conditions":[{{"type":"Available","status":"True","lastUpdateTime":"{}","lastTransitionTime":"{}","reason":"MinimumReplicasAvailable","message":"Deployment has minimum availability."}},{{"type":"Progressing","status":"True","lastUpdateTime":"{}","lastTransitionTime":"{}","reason":"NewReplicaSetAvailable","message":"ReplicaSet \"{owner}\" has successfully progressed."}}]}}}}"#,
        t.owner_uid,
        time(t.rolled_out),
        t.labels,
        t.labels,
        t.annotations,
        t.volumes,
        containers.join(","),
        time(t.rolled_out + 40),
        time(t.rolled_out + 40),
        time(t.rolled_out + 90),
        time(t.rolled_out),
    );
    Object {
        json: json.into_bytes(),
        sibling: None,
    }
}

/// `count` EndpointSlices of 1 to 30 endpoints, about three per service.
pub(crate) fn endpoint_slices(seed: u64, count: usize) -> Vec<Object> {
    let mut random = Random::new(seed);
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let (t, service_uid) = (Template::new(&mut random), random.uid());
        for _ in 0..(1 + random.below(5)).min(count - all.len()) {
            let json = endpoint_slice(&mut random, &t, &service_uid);
            all.push(Object {
                json: json.into_bytes(),
                sibling: Some(hash(&service_uid)),
            });
        }
    }
    all
}

fn endpoint_slice(random: &mut Random, t: &Template, service_uid: &str) -> String {
    let mut endpoints = String::new();
    for _ in 0..1 + random.below(30) {
        let node = random.below(5000);
        let _ = write!(
            endpoints,
            r#"{{"addresses":["100.{}.{}.{}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"targetRef":{{"kind":"Pod","namespace":"{}","name":"{}-{}","uid":"{}"}},"nodeName":"node-{node:05}.{}.internal","zone":"{}"}},"#,
            64 + node / 250 % 60,
            node % 250,
            random.below(250) + 2,
            t.namespace,
            t.owner,
            random.suffix(5),
            random.uid(),
            ["eu-west-1a", "eu-west-1b", "eu-west-1c"][node % 3],
            ["eu-west-1a", "eu-west-1b", "eu-west-1c"][node % 3],
        );
    }
    endpoints.pop();
    format!(
        r#"{{"metadata":{{"name":"{0}-{1}","generateName":"{0}-","namespace":"{2}","uid":"{3}","resourceVersion":"{4}","generation":7,"creationTimestamp":"{5}","labels":{{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{0}"}},"ownerReferences":[{{"apiVersion":"v1","kind":"Service","name":"{0}","uid":"{service_uid}","controller":true,"blockOwnerDeletion":true}}]}},"addressType":"IPv4","endpoints":[{endpoints}],"ports":[{{"name":"http","port":8080,"protocol":"TCP"}}]}}"#,
        t.app,
        random.suffix(5),
        t.namespace,
        random.uid(),
        400_000_000 + random.below(400_000_000),
        time(t.rolled_out),
    )
}

/// `count` Secrets holding 200 to 2,000 random bytes each, which nothing can compress.
pub(crate) fn secrets(seed: u64, count: usize) -> Vec<Object> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|_| {
            let app = format!("{}-{}", random.pick(&WORDS), random.pick(&ROLES));
            let data_len = 266 + random.below(2400);
            let data = random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", data_len);
            let json = format!(
                r#"{{"metadata":{{"name":"{app}-{}","namespace":"team-{}-prod","uid":"{}","resourceVersion":"{}","creationTimestamp":"{}"}},"data":{{"token":"{data}"}},"type":"Opaque"}}"#,
                random.suffix(5), random.pick(&WORDS), random.uid(), 400_000_000 + random.below(400_000_000), time(random.below(200 * 86_400)),
            );
            Object { json: json.into_bytes(), sibling: None }
        })
        .collect()
}
