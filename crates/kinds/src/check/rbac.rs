//! Checks of roles and bindings.

use super::{
    Errors, meta_create, meta_update,
    words::{IMMUTABLE, declared_required},
};
use crate::{
    meta::{name_is_path_segment, name_is_subdomain, validate_label_selector},
    view::{list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const GROUP: &str = "rbac.authorization.k8s.io";

fn rules(object: &Value, namespaced: bool, errors: &mut Errors) {
    let path = Path::ROOT.child("rules");
    for (index, rule) in list(&object["rules"]).iter().enumerate() {
        let at = path.index(index);
        let none = |name: &str| list(&rule[name]).is_empty();
        if none("verbs") {
            errors.declare(FieldError::required(&at.child("verbs"), ""));
        }
        if !none("nonResourceURLs") {
            let mut invalid = |why: &str| {
                errors.push(FieldError::invalid(
                    &at.child("nonResourceURLs"),
                    &rule["nonResourceURLs"],
                    why,
                ));
            };
            if namespaced {
                invalid("namespaced rules cannot apply to non-resource URLs");
            }
            if !["apiGroups", "resources", "resourceNames"]
                .iter()
                .all(|name| none(name))
            {
                invalid("rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if none("apiGroups") {
            let why = "resource rules must supply at least one api group";
            errors.push(FieldError::required(&at.child("apiGroups"), why));
        }
        if none("resources") {
            let why = "resource rules must supply at least one resource";
            errors.push(FieldError::required(&at.child("resources"), why));
        }
    }
}

pub(crate) fn role(object: &Value, errors: &mut Errors) {
    rules(object, true, errors);
}

pub(crate) fn role_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, true, name_is_path_segment, errors);
    role(new, errors);
    meta_update(new, old, errors);
}

pub(crate) fn cluster_role(object: &Value, errors: &mut Errors) {
    rules(object, false, errors);
    if object["aggregationRule"].is_null() {
        return;
    }
    let selectors = list(&object["aggregationRule"]["clusterRoleSelectors"]);
    let root = Path::ROOT;
    let rule = root.child("aggregationRule");
    let path = rule.child("clusterRoleSelectors");
    if selectors.is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(FieldError::required(&path, why));
    }
    for (index, selector) in selectors.iter().enumerate() {
        errors.extend(validate_label_selector(selector, false, &path.index(index)));
    }
}

pub(crate) fn cluster_role_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_path_segment, errors);
    cluster_role(new, errors);
    meta_update(new, old, errors);
}

pub(crate) fn binding(object: &Value, errors: &mut Errors) {
    bound(object, true, true, errors);
}

pub(crate) fn cluster_binding(object: &Value, errors: &mut Errors) {
    bound(object, false, true, errors);
}

pub(crate) fn binding_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, true, name_is_path_segment, errors);
    bound(new, true, false, errors);
    meta_update(new, old, errors);
    role_stays(new, old, errors);
}

pub(crate) fn cluster_binding_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_path_segment, errors);
    bound(new, false, false, errors);
    meta_update(new, old, errors);
    role_stays(new, old, errors);
}

/// The value is shown as the server's own type writes it.
fn role_stays(new: &Value, old: &Value, errors: &mut Errors) {
    let role = &new["roleRef"];
    if *role != old["roleRef"] {
        let mut error = FieldError::invalid(&Path::ROOT.child("roleRef"), &Value::Null, IMMUTABLE);
        let (group, kind, name) = (
            text(role, "apiGroup"),
            text(role, "kind"),
            text(role, "name"),
        );
        error.bad_value = format!("{{\"APIGroup\":{group:?},\"Kind\":{kind:?},\"Name\":{name:?}}}");
        errors.push(error);
    }
}

/// Of a new object, a missing name of the role is the finding of a declared rule, and so comes last.
fn bound(object: &Value, namespaced: bool, new: bool, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("roleRef");
    let role = &object["roleRef"];
    if text(role, "apiGroup") != GROUP {
        errors.push(super::words::unsupported(
            &path.child("apiGroup"),
            &role["apiGroup"],
            &[GROUP],
        ));
    }
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    if !kinds.contains(&text(role, "kind")) {
        // Kubernetes lists them in this order.
        let mut error = super::words::unsupported(&path.child("kind"), &role["kind"], kinds);
        let quoted: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
        error.detail = format!("supported values: {}", quoted.join(", "));
        errors.push(error);
    }
    match text(role, "name") {
        "" if new => {}
        "" => errors.push(FieldError::required(&path.child("name"), "")),
        name => {
            let found = name_is_path_segment(name, false).into_iter();
            errors.extend(
                found.map(|why| FieldError::invalid(&path.child("name"), &name.into(), why)),
            );
        }
    }
    let path = root.child("subjects");
    for (index, one) in list(&object["subjects"]).iter().enumerate() {
        subject(one, namespaced, &path.index(index), errors);
    }
    if new {
        declared_required(role, "name", &root.child("roleRef"), errors);
    }
}

fn subject(subject: &Value, namespaced: bool, path: &Path<'_>, errors: &mut Errors) {
    let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
    if name.is_empty() {
        errors.declare(FieldError::required(&path.child("name"), ""));
    }
    let wanted = match text(subject, "kind") {
        "ServiceAccount" => "",
        "User" | "Group" => GROUP,
        other => {
            let mut error = super::words::unsupported(&path.child("kind"), &other.into(), &[]);
            error.detail = "supported values: \"ServiceAccount\", \"User\", \"Group\"".to_owned();
            errors.push(error);
            return;
        }
    };
    let account = wanted.is_empty();
    if account && !name.is_empty() {
        let found = name_is_subdomain(name, false).into_iter();
        errors.extend(found.map(|why| FieldError::invalid(&path.child("name"), &name.into(), why)));
    }
    if group != wanted {
        errors.push(super::words::unsupported(
            &path.child("apiGroup"),
            &group.into(),
            &[wanted],
        ));
    }
    if account && !namespaced && text(subject, "namespace").is_empty() {
        errors.push(FieldError::required(&path.child("namespace"), ""));
    }
}
