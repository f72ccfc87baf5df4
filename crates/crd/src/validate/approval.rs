//! Groups of the Kubernetes community (`*.k8s.io`, `*.kubernetes.io`) need an annotation that names their approval.

use super::url;
use crate::{
    errors::Errors,
    view::{Fields, Spec},
};
use serde_json::Value;
use tidegate_schema::{Path, go_quote};

const ANNOTATION: &str = "api-approved.kubernetes.io";

/// What the annotation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approval {
    Invalid,
    Approved,
    Bypassed,
    Missing,
}

/// Whether a group is one of the community's.
pub(crate) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        group
            .strip_suffix(domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// What the annotation of a definition says, and the words for it.
pub(crate) fn approval(crd: &Value) -> (Approval, String) {
    let text = Fields::of(crd.get("metadata"))
        .object("annotations")
        .text(ANNOTATION);
    let more = "see https://github.com/kubernetes/enhancements/pull/1111";
    if text.is_empty() {
        let words =
            format!("protected groups must have approval annotation \"{ANNOTATION}\", {more}");
        (Approval::Missing, words)
    } else if text.starts_with("unapproved") {
        (
            Approval::Bypassed,
            format!("not approved: {}", go_quote(text)),
        )
    } else if url::parse(text).is_ok_and(|url| !url.host.is_empty() && !url.scheme.is_empty()) {
        (Approval::Approved, format!("approved in {text}"))
    } else {
        let words = format!(
            "protected groups must have approval annotation \"{ANNOTATION}\" with either a URL or a reason starting with \
             \"unapproved\", {more}"
        );
        (Approval::Invalid, words)
    }
}

pub(super) fn check(crd: &Value, old: Option<&Value>, errors: &mut Errors) {
    if !is_protected(Spec::of(crd).group()) {
        return;
    }
    let (state, words) = approval(crd);
    if old.is_some_and(|old| approval(old).0 == state) {
        return;
    }
    let path = Path::ROOT;
    let path = path.child("metadata");
    let path = path.child("annotations");
    let path = path.key(ANNOTATION);
    match state {
        Approval::Missing => errors.required(&path, &words),
        Approval::Invalid => {
            let text = Fields::of(crd.get("metadata"))
                .object("annotations")
                .text(ANNOTATION);
            errors.invalid(&path, text, words);
        }
        Approval::Approved | Approval::Bypassed => {}
    }
}
