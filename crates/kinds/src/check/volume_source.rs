//! Checks of single sources of volumes, as pods and persistent volumes have them. How many there may be is checked
//! elsewhere.

use super::{
    Errors,
    volume::{descending_path, no_steps_back},
    words::{Form, form, one_of, required, unsupported},
};
use crate::{
    meta::{dns1123_label_errors, dns1123_subdomain_errors},
    view::{int, is_true, list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// A check of one source: the source, where it is, what is wrong with it.
type Check = fn(&Value, &Path<'_>, &mut Errors);

/// Sources that are checked alike wherever they are.
const ALL: &[(&str, Check)] = &[
    ("hostPath", host_path),
    ("gitRepo", |source, path, errors| {
        required(source, "repository", path, errors);
        let at = path.child("directory");
        descending_path(text(source, "directory"), &at, errors);
    }),
    ("gcePersistentDisk", |source, path, errors| {
        required(source, "pdName", path, errors);
        partition(source, path, errors);
    }),
    ("awsElasticBlockStore", |source, path, errors| {
        required(source, "volumeID", path, errors);
        partition(source, path, errors);
    }),
    ("nfs", nfs),
    ("glusterfs", glusterfs),
    ("flocker", flocker),
    ("rbd", |source, path, errors| {
        filled(source, "monitors", path, errors);
        required(source, "image", path, errors);
    }),
    ("quobyte", quobyte),
    ("cephfs", |source, path, errors| {
        filled(source, "monitors", path, errors);
    }),
    ("cinder", |source, path, errors| {
        required(source, "volumeID", path, errors);
        reference(source, "secretRef", &["name"], path, errors);
    }),
    ("fc", fibre_channel),
    ("flexVolume", flex),
    ("azureFile", |source, path, errors| {
        required(source, "secretName", path, errors);
        required(source, "shareName", path, errors);
        if source["secretNamespace"] == "" {
            errors.push(FieldError::required(&path.child("secretNamespace"), ""));
        }
    }),
    ("azureDisk", azure_disk),
    ("vsphereVolume", |source, path, errors| {
        required(source, "volumePath", path, errors);
    }),
    ("photonPersistentDisk", |source, path, errors| {
        required(source, "pdID", path, errors);
    }),
    ("portworxVolume", |source, path, errors| {
        required(source, "volumeID", path, errors);
    }),
    ("scaleIO", |source, path, errors| {
        for name in ["gateway", "system", "volumeName"] {
            required(source, name, path, errors);
        }
    }),
    ("storageos", |source, path, errors| {
        if required(source, "volumeName", path, errors) {
            named(source, "volumeName", dns1123_label_errors, path, errors);
        }
        named(
            source,
            "volumeNamespace",
            dns1123_label_errors,
            path,
            errors,
        );
        reference(source, "secretRef", &["name"], path, errors);
    }),
];

/// Checks a source of this name, if it is one of those that are checked alike.
pub(crate) fn source(name: &str, source: &Value, path: &Path<'_>, errors: &mut Errors) {
    if let Some((_, check)) = ALL.iter().find(|(of, _)| *of == name) {
        check(source, path, errors);
    }
}

/// The name that a source has in paths, which is not always the field's.
pub(crate) fn shown(name: &str) -> &str {
    match name {
        "gcePersistentDisk" => "persistentDisk",
        other => other,
    }
}

/// A text of this form, or none.
fn named(source: &Value, name: &str, check: Form, path: &Path<'_>, errors: &mut Errors) {
    let found = text(source, name);
    if !found.is_empty() {
        form(found, check, &path.child(name), errors);
    }
}

/// A list that has something in it.
fn filled(source: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if list(&source[name]).is_empty() {
        errors.push(FieldError::required(&path.child(name), ""));
    }
}

/// A reference that may be missing, but not be without these fields.
pub(crate) fn reference(
    source: &Value,
    name: &str,
    fields: &[&str],
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if source[name].is_null() {
        return;
    }
    for field in fields {
        required(&source[name], field, &path.child(name), errors);
    }
}

/// A driver of CSI, by its name.
pub(crate) fn driver(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    if !required(source, "driver", path, errors) {
        return;
    }
    let (at, name) = (path.child("driver"), text(source, "driver"));
    if name.len() > 63 {
        errors.push(FieldError::too_long(&at, 63));
    }
    let found = dns1123_subdomain_errors(&name.to_lowercase()).into_iter();
    errors.extend(found.map(|why| FieldError::invalid(&at, &name.into(), why)));
}

fn host_path(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    if !required(source, "path", path, errors) {
        return;
    }
    no_steps_back(text(source, "path"), &path.child("path"), errors);
    let kinds = [
        "",
        "BlockDevice",
        "CharDevice",
        "Directory",
        "DirectoryOrCreate",
        "File",
        "FileOrCreate",
        "Socket",
    ];
    if !source["type"].is_null() {
        one_of(source, "type", &kinds, path, errors);
    }
}

fn partition(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let number = int(source, "partition");
    if !(0..=255).contains(&number) {
        let why = "must be between 1 and 255, inclusive";
        errors.push(FieldError::invalid(
            &path.child("partition"),
            &number.into(),
            why,
        ));
    }
}

fn nfs(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    required(source, "server", path, errors);
    required(source, "path", path, errors);
    let target = text(source, "path");
    if !target.starts_with('/') {
        let why = "must be an absolute path";
        errors.push(FieldError::invalid(
            &path.child("path"),
            &target.into(),
            why,
        ));
    }
}

fn glusterfs(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    required(source, "endpoints", path, errors);
    required(source, "path", path, errors);
    let at = path.child("endpointsNamespace");
    match source["endpointsNamespace"].as_str() {
        Some("") => {
            let why = "if the endpointnamespace is set, it must be a valid namespace name";
            errors.push(FieldError::invalid(&at, &"".into(), why));
        }
        Some(name) => form(name, dns1123_label_errors, &at, errors),
        None => {}
    }
}

fn flocker(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (name, uuid) = (text(source, "datasetName"), text(source, "datasetUUID"));
    match (name.is_empty(), uuid.is_empty()) {
        (true, true) => errors.push(FieldError::required(
            path,
            "one of datasetName and datasetUUID is required",
        )),
        (false, false) => errors.push(FieldError::invalid(
            path,
            &"resource".into(),
            "datasetName and datasetUUID can not be specified simultaneously",
        )),
        _ => {}
    }
    if name.contains('/') {
        errors.push(FieldError::invalid(
            &path.child("datasetName"),
            &name.into(),
            "must not contain '/'",
        ));
    }
}

fn quobyte(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let pairs = "must be a host:port pair or multiple pairs separated by commas";
    let registry = text(source, "registry");
    let at = path.child("registry");
    if registry.is_empty() {
        errors.push(FieldError::required(&at, pairs));
    } else if text(source, "tenant").len() >= 65 {
        let why = "must be a UUID and may not exceed a length of 64 characters";
        errors.push(FieldError::required(&path.child("tenant"), why));
    } else if registry.split(',').any(|pair| !is_host_port(pair)) {
        errors.push(FieldError::invalid(&at, &registry.into(), pairs));
    }
    required(source, "volume", path, errors);
}

/// What Go's `net.SplitHostPort` takes.
fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let inner = match host.strip_prefix('[') {
        Some(rest) => match rest.strip_suffix(']') {
            Some(inner) => inner,
            None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !inner.contains(['[', ']']) && !port.contains(['[', ']'])
}

fn fibre_channel(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("targetWWNs");
    let names = list(&source["targetWWNs"]);
    match (names.is_empty(), list(&source["wwids"]).is_empty()) {
        (true, true) => errors.push(FieldError::required(
            &at,
            "must specify either targetWWNs or wwids, but not both",
        )),
        (false, false) => errors.push(FieldError::invalid(
            &at,
            &source["targetWWNs"],
            "targetWWNs and wwids can not be specified simultaneously",
        )),
        _ => {}
    }
    if names.is_empty() {
        return;
    }
    if source["lun"].is_null() {
        let why = "lun is required if targetWWNs is specified";
        errors.push(FieldError::required(&path.child("lun"), why));
    } else {
        unit(source, path, errors);
    }
}

/// The number of a logical unit.
fn unit(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let number = int(source, "lun");
    if !(0..=255).contains(&number) {
        let why = "must be between 0 and 255, inclusive";
        errors.push(FieldError::invalid(&path.child("lun"), &number.into(), why));
    }
}

fn flex(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    required(source, "driver", path, errors);
    let options = path.child("options");
    for key in map(&source["options"]).keys() {
        let namespace = key.split_once('/').map_or(key.as_str(), |(first, _)| first);
        let namespace = format!(".{}", namespace.to_lowercase());
        if namespace.ends_with(".kubernetes.io") || namespace.ends_with(".k8s.io") {
            let why = "kubernetes.io and k8s.io namespaces are reserved";
            errors.push(FieldError::invalid(
                &options.key(key),
                &key.as_str().into(),
                why,
            ));
        }
    }
}

fn azure_disk(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    required(source, "diskName", path, errors);
    required(source, "diskURI", path, errors);
    for (name, known) in [
        ("cachingMode", ["None", "ReadOnly", "ReadWrite"]),
        ("kind", ["Dedicated", "Managed", "Shared"]),
    ] {
        if !source[name].is_null() {
            one_of(source, name, &known, path, errors);
        }
    }
    let (start, form) = match source["kind"].as_str() {
        None => return,
        Some("Managed") => (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ),
        Some(_) => (
            "https://",
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
        ),
    };
    let address = text(source, "diskURI");
    if !address.starts_with(start) {
        errors.push(unsupported(
            &path.child("diskURI"),
            &address.into(),
            &[form],
        ));
    }
}

/// Parts of a volume of iSCSI; `unlike` is what is said of a name of no known kind.
pub(crate) fn iscsi(source: &Value, unlike: &str, path: &Path<'_>, errors: &mut Errors) {
    if required(source, "iqn", path, errors) {
        qualified(text(source, "iqn"), unlike, &path.child("iqn"), errors);
    }
    unit(source, path, errors);
    let authenticated = is_true(source, "chapAuthDiscovery") || is_true(source, "chapAuthSession");
    if authenticated && source["secretRef"].is_null() {
        errors.push(FieldError::required(&path.child("secretRef"), ""));
    }
}

/// The name that this end of iSCSI goes by, where it has one.
pub(crate) fn initiator(source: &Value, unlike: &str, path: &Path<'_>, errors: &mut Errors) {
    if let Some(name) = source["initiatorName"].as_str() {
        qualified(name, unlike, &path.child("initiatorname"), errors);
    }
}

/// A name of iSCSI: `iqn.2001-04.com.example:disk`, `eui.` with 16 characters, or `naa.` with 32.
fn qualified(name: &str, unlike: &str, path: &Path<'_>, errors: &mut Errors) {
    let exactly = |rest: &str, count: usize| {
        let mut rest = rest.chars();
        // Where the dot should be, Kubernetes takes any character.
        rest.next().is_some_and(|c| c != '\n')
            && rest.clone().count() == count
            && rest.all(|c| c.is_ascii_alphanumeric())
    };
    let (good, why) = match name.get(..3) {
        Some("iqn") => {
            let mut starts = name.match_indices("iqn.");
            (starts.any(|(at, _)| is_iqn(&name[at..])), MALFORMED)
        }
        Some("eui") => (exactly(&name[3..], 16), MALFORMED),
        Some("naa") => (exactly(&name[3..], 32), MALFORMED),
        _ => (false, unlike),
    };
    if !good {
        errors.push(FieldError::invalid(path, &name.into(), why));
    }
}

pub(crate) const MALFORMED: &str = "must be valid format";

fn is_iqn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("iqn.") else {
        return false;
    };
    let date = "dddd-dd.";
    let fits = |c: char, wanted: char| match wanted {
        'd' => c.is_ascii_digit(),
        other => c == other,
    };
    let dated = rest.len() > date.len() && date.chars().zip(rest.chars()).all(|(d, c)| fits(c, d));
    let Some((authority, name)) = rest.get(date.len()..).and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let bad = |c: char| ",;*&$|\t\n\u{c}\r ".contains(c);
    dated
        && !authority.is_empty()
        && authority
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        && !name.is_empty()
        && !name.contains(bad)
}

#[cfg(test)]
mod tests {
    use super::{is_host_port, is_iqn};

    #[test]
    fn hosts_have_ports() {
        for (text, expect) in [
            ("a:1", true),
            ("a:", true),
            (":1", true),
            ("[::1]:2", true),
            ("a", false),
            ("", false),
            ("::1:2", false),
            ("[::1]", false),
            ("[::1]x:2", false),
            ("a]:1", false),
            ("a:[1", false),
        ] {
            assert_eq!(is_host_port(text), expect, "{text}");
        }
    }

    #[test]
    fn qualified_names_have_a_date_and_an_authority() {
        for (text, expect) in [
            ("iqn.2001-04.com.example:storage.disk1", true),
            ("iqn.2001-04.com.example:a:b", true),
            ("iqn.2001-04.com.example", false),
            ("iqn.2001-04.:a", false),
            ("iqn.201-04.com.example:a", false),
            ("iqn.2001-04.com.example:", false),
            ("iqn.2001-04.com.example:a b", false),
            ("iqn.2001-04.exämple:a", false),
        ] {
            assert_eq!(is_iqn(text), expect, "{text}");
        }
    }
}
