//! Defaults of pods and of templates of pods.

use super::{Defaults, Given, items, set, set_missing};
use crate::view::{int, is_true, list, map, text};
use serde_json::{Value, json};

pub(super) const ALL: &[Defaults] = &[
    Defaults::function("core.v1.Pod", pod),
    Defaults {
        of: "core.v1.PodSpec",
        set: &[
            ("dnsPolicy", Given::Text("ClusterFirst")),
            ("restartPolicy", Given::Text("Always")),
            ("securityContext", Given::Empty),
            ("terminationGracePeriodSeconds", Given::Int(30)),
            ("schedulerName", Given::Text("default-scheduler")),
        ],
        then: Some(|spec| {
            let account = spec["serviceAccount"].clone();
            if !account.is_null() {
                set(spec, "serviceAccountName", false, || account);
            }
            if !text(spec, "serviceAccountName").is_empty() {
                spec["serviceAccount"] = spec["serviceAccountName"].clone();
            }
        }),
    },
    Defaults::function("core.v1.PodStatus", pod_status),
    Defaults::function("core.v1.Volume", volume),
    Defaults::function("core.v1.ImageVolumeSource", |source| {
        let policy = pull_policy(text(source, "reference"));
        set(source, "pullPolicy", false, || policy.into());
    }),
    Defaults {
        of: "core.v1.Container",
        set: CONTAINER,
        then: Some(container),
    },
    Defaults {
        of: "core.v1.EphemeralContainer",
        set: CONTAINER,
        then: Some(container),
    },
    Defaults::constants(
        "core.v1.Probe",
        &[
            ("timeoutSeconds", Given::Int(1)),
            ("periodSeconds", Given::Int(10)),
            ("successThreshold", Given::Int(1)),
            ("failureThreshold", Given::Int(3)),
        ],
    ),
    Defaults::constants(
        "core.v1.HTTPGetAction",
        &[("path", Given::Text("/")), ("scheme", Given::Text("HTTP"))],
    ),
    Defaults::constants("core.v1.SecretVolumeSource", MODE),
    Defaults::constants("core.v1.ConfigMapVolumeSource", MODE),
    Defaults::constants("core.v1.DownwardAPIVolumeSource", MODE),
    Defaults::constants("core.v1.ProjectedVolumeSource", MODE),
    Defaults::constants("core.v1.HostPathVolumeSource", &[("type", Given::Text(""))]),
    Defaults::constants(
        "core.v1.ServiceAccountTokenProjection",
        &[("expirationSeconds", Given::Int(3600))],
    ),
];

const CONTAINER: &[(&str, Given)] = &[
    (
        "terminationMessagePath",
        Given::Text("/dev/termination-log"),
    ),
    ("terminationMessagePolicy", Given::Text("File")),
];

/// 0644.
const MODE: &[(&str, Given)] = &[("defaultMode", Given::Int(420))];

fn container(container: &mut Value) {
    let policy = pull_policy(text(container, "image"));
    set(container, "imagePullPolicy", false, || policy.into());
}

/// Images that may change behind their tag are always pulled.
fn pull_policy(image: &str) -> &'static str {
    if tag(image) == Some("latest") {
        "Always"
    } else {
        "IfNotPresent"
    }
}

/// The tag of an image; nothing where it has none but a digest, or where it is no reference.
fn tag(image: &str) -> Option<&str> {
    let (name, digest) = image
        .split_once('@')
        .map_or((image, ""), |(name, digest)| (name, digest));
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) = match name[last..].find(':') {
        Some(at) => (&name[..last + at], Some(&name[last + at + 1..])),
        None => (name, None),
    };
    let path = match repository.split_once('/') {
        Some((domain, path)) if domain.contains(['.', ':']) || domain == "localhost" => path,
        _ => repository,
    };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let ends = |part: &str| part.starts_with(['.', '_', '-']) || part.ends_with(['.', '_', '-']);
    let sound = |part: &str| !part.is_empty() && part.chars().all(good) && !ends(part);
    let tag_char = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !path.split('/').all(sound)
        || !tag.is_none_or(|tag| !tag.is_empty() && tag.chars().all(tag_char))
    {
        return None;
    }
    tag.or(if digest.is_empty() {
        Some("latest")
    } else {
        None
    })
}

fn volume(volume: &mut Value) {
    if map(volume).keys().all(|name| name == "name") {
        volume["emptyDir"] = json!({});
    }
}

fn pod(pod: &mut Value) {
    let spec = &mut pod["spec"];
    if int(spec, "terminationGracePeriodSeconds") < 0 {
        spec["terminationGracePeriodSeconds"] = 1.into();
    }
    set_missing(spec, "enableServiceLinks", || true.into());
    let host_network = is_true(spec, "hostNetwork");
    for group in ["containers", "initContainers", "ephemeralContainers"] {
        for container in items(spec, group) {
            if group != "ephemeralContainers" {
                requests_from_limits(&mut container["resources"]);
                items(container, "ports")
                    .filter(|_| host_network)
                    .for_each(|port| {
                        let number = port["containerPort"].clone();
                        set(port, "hostPort", false, || number);
                    });
            }
        }
    }
}

fn requests_from_limits(resources: &mut Value) {
    for (name, amount) in map(&resources["limits"].clone()) {
        set_missing(resources, "requests", || json!({}));
        set_missing(&mut resources["requests"], name, || amount.clone());
    }
}

/// The first of the addresses is also told alone.
fn pod_status(status: &mut Value) {
    let (one, first) = (status["podIP"].clone(), status["podIPs"][0]["ip"].clone());
    match (one.is_null(), list(&status["podIPs"]).is_empty()) {
        (true, false) => status["podIP"] = first,
        (false, true) => status["podIPs"] = json!([{ "ip": one }]),
        (false, false) if one != first => status["podIPs"] = json!([{ "ip": one }]),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags_are_found() {
        let cases = [
            ("nginx", Some("latest")),
            ("nginx:1.2", Some("1.2")),
            ("localhost:5000/a/b", Some("latest")),
            ("localhost:5000/a/b:v1", Some("v1")),
            ("a@sha256:0123", None),
            ("a:v1@sha256:0123", Some("v1")),
            ("Bad", None),
            ("-1", None),
            ("a:50%", None),
            ("", None),
        ];
        for (image, expect) in cases {
            assert_eq!(tag(image), expect, "{image}");
        }
    }
}
