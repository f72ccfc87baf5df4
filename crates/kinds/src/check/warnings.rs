//! What is not wrong with pods, but worth a word.

use crate::{
    meta::dns1123_label_errors,
    view::{int, list, map, text},
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// So many pairs of ports are compared: as many warnings would fill the header many times over.
const MOST_PAIRS: usize = 100_000;

const OLD_ANNOTATIONS: &[(&str, &str)] = &[
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];
const OLD_VOLUMES: &[(&str, &str)] = &[
    (
        "photonPersistentDisk",
        "deprecated in v1.11, non-functional in v1.16+",
    ),
    (
        "gitRepo",
        "deprecated in v1.11, and disabled by default in v1.33+",
    ),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// Old names of nodes' labels.
const OLD_LABELS: &[(&str, &str)] = &[
    (
        "beta.kubernetes.io/arch",
        "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
    ),
    (
        "beta.kubernetes.io/os",
        "deprecated since v1.14; use \"kubernetes.io/os\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    (
        "node-role.kubernetes.io/master",
        "use \"node-role.kubernetes.io/control-plane\" instead",
    ),
];
const OLD_VOLUME_ANNOTATIONS: &[(&str, &str)] = &[
    (
        "volume.beta.kubernetes.io/storage-class",
        "deprecated since v1.8; use \"storageClassName\" attribute instead",
    ),
    (
        "volume.beta.kubernetes.io/mount-options",
        "deprecated since v1.31; use \"mountOptions\" attribute instead",
    ),
];

/// The name of a source of volumes as warnings have it.
fn shown(name: &str) -> &str {
    if name == "storageos" {
        "storageOS"
    } else {
        name
    }
}

/// Of pods that are created; updates get no words.
pub(crate) fn pod(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    if old.is_some() {
        return;
    }
    host_name(new, "the Pod's hostname", warnings);
    let found = Found {
        prefix: "",
        warnings,
    };
    found.all(&new["metadata"], &new["spec"]);
}

/// The name of an object that becomes the name of a host.
fn host_name(new: &Value, of: &str, warnings: &mut Vec<String>) {
    let wrong = dns1123_label_errors(text(&new["metadata"], "name"));
    if !wrong.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in {of}, which can result in surprising behavior; a DNS label is \
             recommended: [{}]",
            wrong.join(" ")
        ));
    }
}

/// Of kinds with a template of pods. An update that leaves the template alone gets no words about it.
pub(crate) fn template(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    if old.is_some_and(|old| new["metadata"]["generation"] == old["metadata"]["generation"]) {
        return;
    }
    if old.is_none() {
        host_name(new, "Pod names and hostnames", warnings);
    }
    template_of(new, warnings);
}

/// The same of replication controllers, where Kubernetes looks at the template as it was before an update.
pub(crate) fn replication(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    match old {
        None => template(new, None, warnings),
        Some(old) if new["metadata"]["generation"] != old["metadata"]["generation"] => {
            template_of(old, warnings);
        }
        Some(_) => {}
    }
}

fn template_of(new: &Value, warnings: &mut Vec<String>) {
    let (spec, prefix) = match &new["spec"]["jobTemplate"] {
        Value::Null => (&new["spec"], "spec.template."),
        job => (&job["spec"], "spec.jobTemplate.spec.template."),
    };
    let template = &spec["template"];
    let found = Found { prefix, warnings };
    found.all(&template["metadata"], &template["spec"]);
}

/// Of persistent volumes.
pub(crate) fn volume(new: &Value, _: Option<&Value>, warnings: &mut Vec<String>) {
    let spec = &new["spec"];
    let annotations = map(&new["metadata"]["annotations"]);
    let old = OLD_VOLUME_ANNOTATIONS.iter();
    for (key, why) in old.filter(|(key, _)| annotations.contains_key(*key)) {
        warnings.push(format!("metadata.annotations[{key}]: {why}"));
    }
    if text(spec, "persistentVolumeReclaimPolicy") == "Recycle" {
        let why = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        warnings.push(format!("spec.persistentVolumeReclaimPolicy: {why}"));
    }
    let required = &spec["nodeAffinity"]["required"];
    for (index, term) in list(&required["nodeSelectorTerms"]).iter().enumerate() {
        let path = format!("spec.nodeAffinity.required.nodeSelectorTerms[{index}]");
        for (index, rule) in list(&term["matchExpressions"]).iter().enumerate() {
            let key = text(rule, "key");
            let old = OLD_LABELS.iter().find(|(old, _)| *old == key);
            if let Some((_, why)) = old {
                let path = format!("{path}.matchExpressions[{index}].key");
                warnings.push(format!("{path}: {key} is {why}"));
            }
        }
    }
    // Of the sources that persistent volumes share with pods, two are not mentioned here.
    let old = OLD_VOLUMES
        .iter()
        .filter(|(name, _)| !matches!(*name, "flocker" | "quobyte"));
    for (name, why) in old.filter(|(name, _)| !spec[*name].is_null()) {
        warnings.push(format!("spec.{}: {why}", shown(name)));
    }
}

/// Of claims: parts of a byte.
pub(crate) fn claim(new: &Value, _: Option<&Value>, warnings: &mut Vec<String>) {
    for part in ["requests", "limits"] {
        let amount = new["spec"]["resources"][part]["storage"]
            .as_str()
            .unwrap_or_default();
        if amount.ends_with('m') {
            warnings.push(format!(
                "spec.resources.{part}[storage]: fractional byte value {amount:?} is invalid, must be an integer"
            ));
        }
    }
}

/// Of slices: names as addresses.
pub(crate) fn slice(new: &Value, _: Option<&Value>, warnings: &mut Vec<String>) {
    if text(new, "addressType") == "FQDN" {
        warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
    }
}

/// Where pods are described, and what was found there.
struct Found<'w> {
    prefix: &'static str,
    warnings: &'w mut Vec<String>,
}

impl Found<'_> {
    fn say(&mut self, path: &str, why: &str) {
        self.warnings.push(format!("{}{path}: {why}", self.prefix));
    }

    fn all(mut self, meta: &Value, spec: &Value) {
        for (index, one) in list(&spec["topologySpreadConstraints"]).iter().enumerate() {
            self.selector(one, &format!("spec.topologySpreadConstraints[{index}]"));
        }
        for (key, why) in OLD_ANNOTATIONS
            .iter()
            .filter(|(key, _)| map(&meta["annotations"]).contains_key(*key))
        {
            self.say(&format!("metadata.annotations[{key}]"), why);
        }
        for (index, volume) in list(&spec["volumes"]).iter().enumerate() {
            for (name, why) in OLD_VOLUMES
                .iter()
                .filter(|(name, _)| !volume[*name].is_null())
            {
                let name = shown(name);
                self.say(&format!("spec.volumes[{index}].{name}"), why);
            }
        }
        self.twice(list(&spec["hostAliases"]), "hostAliases", "ip");
        self.twice(list(&spec["imagePullSecrets"]), "imagePullSecrets", "name");
        for (index, _) in list(&spec["imagePullSecrets"])
            .iter()
            .enumerate()
            .filter(|(_, one)| text(one, "name").is_empty())
        {
            self.say(
                &format!("spec.imagePullSecrets[{index}].name"),
                "invalid empty name \"\"",
            );
        }
        let groups = ["initContainers", "containers"];
        let all = groups.iter().flat_map(|group| {
            let containers = list(&spec[*group]).iter().enumerate();
            containers.map(move |(at, container)| (format!("spec.{group}[{at}]"), container))
        });
        let all: Vec<(String, &Value)> = all.collect();
        for (path, container) in &all {
            self.resources(container, path);
            self.env(container, path);
        }
        self.ports(&all);
        if int(spec, "terminationGracePeriodSeconds") < 0 {
            let why = "must be >= 0; negative values are invalid and will be treated as 1";
            self.say("spec.terminationGracePeriodSeconds", why);
        }
        self.affinity(&spec["affinity"]);
    }

    fn selector(&mut self, holder: &Value, path: &str) {
        if holder["labelSelector"].is_null() {
            self.say(
                &format!("{path}.labelSelector"),
                "a null labelSelector results in matching no pod",
            );
        }
    }

    fn twice(&mut self, all: &[Value], list: &str, field: &str) {
        let mut seen = HashSet::new();
        for (index, one) in all.iter().enumerate() {
            if !seen.insert(text(one, field)) {
                let why = format!("duplicate {field} {:?}", text(one, field));
                self.say(&format!("spec.{list}[{index}].{field}"), &why);
            }
        }
    }

    fn resources(&mut self, container: &Value, path: &str) {
        for name in ["memory", "ephemeral-storage"] {
            for part in ["limits", "requests"] {
                let amount = container["resources"][part][name]
                    .as_str()
                    .unwrap_or_default();
                if amount.ends_with('m') {
                    let why =
                        format!("fractional byte value {amount:?} is invalid, must be an integer");
                    self.say(&format!("{path}.resources.{part}[{name}]"), &why);
                }
            }
        }
    }

    fn env(&mut self, container: &Value, path: &str) {
        let mut seen = HashSet::new();
        for (index, one) in list(&container["env"]).iter().enumerate() {
            let (name, value) = (text(one, "name"), text(one, "value"));
            let itself = format!("$({name})");
            let builds_on =
                one["valueFrom"].is_null() && value != itself && value.contains(&itself);
            let is_new = seen.insert(name);
            if !builds_on && !is_new {
                let why = format!(
                    "hides previous definition of {name:?}, which may be dropped when using apply"
                );
                self.say(&format!("{path}.env[{index}]"), &why);
            }
        }
    }

    fn ports(&mut self, containers: &[(String, &Value)]) {
        let mut seen: Vec<(String, &Value)> = Vec::new();
        let mut named: HashMap<&str, String> = HashMap::new();
        let mut names = Vec::new();
        let mut pairs = MOST_PAIRS;
        for (path, container) in containers {
            for (index, port) in list(&container["ports"]).iter().enumerate() {
                let here = format!("{path}.ports[{index}]");
                let compared = seen.len().min(pairs);
                pairs -= compared;
                for (place, other) in &seen[..compared] {
                    if let Some(word) = overlap(port, other) {
                        self.say(
                            &here,
                            &format!("{word} port definition with {}{place}", self.prefix),
                        );
                    }
                }
                seen.push((here.clone(), port));
                let name = text(port, "name");
                match named.get(name) {
                    Some(place) => names.push((here, name, place.clone())),
                    None if name.is_empty() => {}
                    None => drop(named.insert(name, here)),
                }
            }
        }
        for (here, name, place) in names {
            let place = format!("{}{place}", self.prefix);
            let why = format!(
                "duplicate port name {name:?} with {place}, services and probes that select ports by name will use {place}"
            );
            self.say(&here, &why);
        }
    }

    fn affinity(&mut self, affinity: &Value) {
        for kind in ["podAffinity", "podAntiAffinity"] {
            let path = format!("spec.affinity.{kind}");
            let name = "requiredDuringSchedulingIgnoredDuringExecution";
            for (index, term) in list(&affinity[kind][name]).iter().enumerate() {
                self.selector(term, &format!("{path}.{name}[{index}]"));
            }
            let name = "preferredDuringSchedulingIgnoredDuringExecution";
            for (index, term) in list(&affinity[kind][name]).iter().enumerate() {
                self.selector(
                    &term["podAffinityTerm"],
                    &format!("{path}.{name}[{index}].podAffinityTerm"),
                );
            }
        }
    }
}

/// How two ports get in each other's way.
fn overlap(port: &Value, other: &Value) -> Option<&'static str> {
    if int(port, "containerPort") != int(other, "containerPort")
        || text(port, "protocol") != text(other, "protocol")
    {
        return None;
    }
    let (a, b) = (int(port, "hostPort"), int(other, "hostPort"));
    let (a_ip, b_ip) = (text(port, "hostIP"), text(other, "hostIP"));
    if a == b && a_ip == b_ip {
        Some("duplicate")
    } else if a == 0 || b == 0 {
        Some("overlapping")
    } else if a == b && a_ip.is_empty() != b_ip.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}
