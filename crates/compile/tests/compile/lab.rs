//! A compiler beside a make-believe API server.

use std::{collections::BTreeMap, fmt::Write, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_compile::{Addresses, Change, Compiler, Kind, ObjectKey, Options, Output};
use tidegate_routing::Snapshot;

pub(crate) const CONTROLLER: &str = "tidegate.dev/gateway-controller";
pub(crate) const INFRA: &str = "gateway-conformance-infra";

/// Objects and the compiler that was told of them.
pub(crate) struct Lab {
    pub(crate) compiler: Compiler,
    pub(crate) objects: BTreeMap<(Kind, ObjectKey), Value>,
    pub(crate) last: Output,
    clock_s: i64,
    version: u64,
}

/// When the first object is created.
const START_S: i64 = 1_700_000_000;

impl Lab {
    pub(crate) fn new(addresses: Addresses) -> Self {
        Self::with(Options::new(CONTROLLER, addresses))
    }

    pub(crate) fn with(options: Options) -> Self {
        let mut lab = Self {
            compiler: Compiler::new(options),
            objects: BTreeMap::new(),
            last: Output::default(),
            clock_s: START_S,
            version: 0,
        };
        for kind in Kind::ALL {
            if kind.group() == "gateway.networking.k8s.io" {
                lab.put(definition(kind, Some("v1.6.3")));
            }
        }
        lab.put(json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": { "name": "tidegate" },
            "spec": { "controllerName": CONTROLLER },
        }));
        lab
    }

    pub(crate) fn pool() -> Addresses {
        Addresses::Pool("127.42.0.0/16".parse().expect("a pool"))
    }

    /// Applies all documents of a YAML text that the compiler reads.
    pub(crate) fn apply(&mut self, yaml: &str) {
        for object in documents(yaml) {
            self.put(object);
        }
    }

    /// Creates or updates one object, as an API server would.
    pub(crate) fn put(&mut self, mut object: Value) {
        let Some(kind) = kind_of(&object) else {
            return;
        };
        default(kind, &mut object);
        let key = key_of(kind, &object);
        self.clock_s += 1;
        self.version += 1;
        let old = self.objects.get(&(kind, key.clone()));
        let (generation, created, status) = match old {
            Some(old) => {
                let generation = old["metadata"]["generation"].as_i64().unwrap_or(1);
                let grew = i64::from(old["spec"] != object["spec"]);
                (
                    generation + grew,
                    old["metadata"]["creationTimestamp"].clone(),
                    old["status"].clone(),
                )
            }
            None => (1, json!(rfc3339(self.clock_s)), Value::Null),
        };
        let meta = &mut object["metadata"];
        meta["generation"] = json!(generation);
        if meta["creationTimestamp"].is_null() {
            meta["creationTimestamp"] = created;
        }
        meta["resourceVersion"] = json!(self.version.to_string());
        meta["uid"] = json!(format!("uid-{kind:?}-{key}"));
        if object["status"].is_null() && !status.is_null() {
            object["status"] = status;
        }
        self.tell(kind, &object);
        self.objects.insert((kind, key), object);
    }

    pub(crate) fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        self.objects.remove(&(kind, key.clone()));
        let key = key.clone();
        self.compiler
            .apply(Change::Delete { kind, key })
            .expect("a deletion");
    }

    /// Changes one object in place.
    pub(crate) fn edit(&mut self, kind: Kind, name: &str, change: impl FnOnce(&mut Value)) {
        let key = parse_key(name, kind);
        let mut object = self
            .objects
            .get(&(kind, key))
            .expect("the object is there")
            .clone();
        change(&mut object);
        self.put(object);
    }

    fn tell(&mut self, kind: Kind, object: &Value) {
        let bytes = serde_json::to_vec(object).expect("JSON");
        let change = Change::Upsert {
            kind,
            object: &bytes,
        };
        self.compiler
            .apply(change)
            .expect("metadata that can be read");
    }

    /// Builds, writes statuses back, and builds again until there is nothing to write.
    pub(crate) fn settle(&mut self) {
        for _ in 0..6 {
            self.clock_s += 1;
            self.last = self.compiler.build(self.clock_s);
            if self.last.statuses.is_empty() {
                return;
            }
            for update in std::mem::take(&mut self.last.statuses) {
                let place = (update.kind, update.key.clone());
                let object = self
                    .objects
                    .get_mut(&place)
                    .expect("statuses are of objects that exist");
                let status: Value = serde_json::from_str(&update.status).expect("JSON");
                assert_ne!(object["status"], status, "{place:?}: nothing to write");
                object["status"] = status;
                self.version += 1;
                object["metadata"]["resourceVersion"] = json!(self.version.to_string());
                let object = object.clone();
                self.tell(update.kind, &object);
            }
        }
        panic!("statuses never settle");
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.last.snapshot
    }

    pub(crate) fn object(&self, kind: Kind, name: &str) -> &Value {
        let key = parse_key(name, kind);
        self.objects
            .get(&(kind, key))
            .unwrap_or_else(|| panic!("{kind:?} {name} doesn't exist"))
    }
}

/// `name` or `name@namespace`.
pub(crate) fn parse_key(name: &str, kind: Kind) -> ObjectKey {
    match name.split_once('@') {
        Some((name, namespace)) => ObjectKey::new(namespace, name),
        None if kind.is_namespaced() => ObjectKey::new(INFRA, name),
        None => ObjectKey::new("", name),
    }
}

/// The objects of a YAML text.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let text = yaml.replace("{GATEWAY_CLASS_NAME}", "tidegate");
    let text = text.replace("{GATEWAY_CONTROLLER_NAME}", CONTROLLER);
    text.split("\n---")
        .filter(|part| {
            part.lines()
                .any(|line| !line.is_empty() && !line.starts_with('#') && line != "---")
        })
        .map(|part| {
            let part = part.strip_prefix("---").unwrap_or(part);
            serde_saphyr::from_str::<Value>(part).unwrap_or_else(|fault| panic!("{fault}\n{part}"))
        })
        .filter(|one| !one.is_null())
        .collect()
}

pub(crate) fn kind_of(object: &Value) -> Option<Kind> {
    let name = object["kind"].as_str()?;
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}

pub(crate) fn key_of(kind: Kind, object: &Value) -> ObjectKey {
    let name = object["metadata"]["name"].as_str().expect("a name");
    let namespace = object["metadata"]["namespace"].as_str();
    match kind.is_namespaced() {
        true => ObjectKey::new(namespace.unwrap_or("default"), name),
        false => ObjectKey::new("", name),
    }
}

/// What the schemas' defaults add, where it matters.
fn default(kind: Kind, object: &mut Value) {
    match kind {
        Kind::HttpRoute => {
            let parents = object["spec"]["parentRefs"].as_array_mut();
            for parent in parents.into_iter().flatten().filter(|one| one.is_object()) {
                for (field, value) in [("group", "gateway.networking.k8s.io"), ("kind", "Gateway")]
                {
                    if parent[field].is_null() {
                        parent[field] = json!(value);
                    }
                }
            }
        }
        Kind::Secret => {
            let texts = object["stringData"].take();
            for (name, text) in texts.as_object().into_iter().flatten() {
                let text = text.as_str().expect("a text");
                object["data"][name] = json!(STANDARD.encode(text));
            }
        }
        _ => {}
    }
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .expect("a time")
        .to_string()
}

/// A certificate with its key, and one of an authority, as PEM.
pub(crate) struct Pems {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) authority: String,
}

pub(crate) static PEMS: LazyLock<Pems> = LazyLock::new(|| {
    let names = vec!["abc.example.com".to_owned(), "*.wildcard.org".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let authority =
        rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).expect("an authority");
    Pems {
        certificate: pair.cert.pem(),
        key: pair.signing_key.serialize_pem(),
        authority: authority.cert.pem(),
    }
});

/// As the API server gives the metadata of a definition.
pub(crate) fn definition(kind: Kind, release: Option<&str>) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{}.{}", kind.plural(), kind.group()),
            "annotations": { "gateway.networking.k8s.io/bundle-version": release },
        },
    })
}

pub(crate) fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "namespace": namespace, "name": name },
        "stringData": { "tls.crt": PEMS.certificate, "tls.key": PEMS.key },
    })
}

pub(crate) fn authority(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name },
        "data": { "ca.crt": PEMS.authority },
    })
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
    message: String,
    #[serde(rename = "observedGeneration")]
    generation: i64,
}

/// Conditions of a status, one a line.
pub(crate) fn conditions(status: &Value, indent: &str, out: &mut String) {
    let all: Vec<Condition> =
        serde_json::from_value(status["conditions"].clone()).unwrap_or_default();
    for one in all {
        writeln!(
            out,
            "{indent}{} {} {} @{}: {}",
            one.kind, one.status, one.reason, one.generation, one.message
        )
        .expect("a text");
    }
}
