//! `spec.conversion`.

use super::{Strictness, spec::one_of, url};
use crate::{
    errors::Errors,
    view::Fields,
    words::{label_errors, subdomain_errors},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::BTreeSet;
use tidegate_schema::{FieldError, Path, go_json};

/// The versions of ConversionReview that a server knows.
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const FORM: &str = "; desired format: https://host[/path]";

pub(super) fn check(
    conversion: Fields<'_>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let strategy = conversion.text("strategy");
    one_of(
        strategy,
        &["None", "Webhook"],
        &path.child("strategy"),
        errors,
    );
    let webhook = conversion.opt_object("webhook");
    let client = webhook.and_then(|webhook| webhook.opt_object("clientConfig"));
    let versions: Vec<&str> = webhook
        .map(|webhook| webhook.texts("conversionReviewVersions").collect())
        .unwrap_or_default();
    let client_path = path.child("webhookClientConfig");
    let versions_path = path.child("conversionReviewVersions");
    if strategy == "Webhook" {
        match client {
            None => errors.required(&client_path, "required when strategy is set to Webhook"),
            Some(client) => check_client(client, strict, &client_path, errors),
        }
        check_review_versions(&versions, strict.review_versions, &versions_path, errors);
        return;
    }
    let detail = "should not be set when strategy is not set to Webhook";
    if client.is_some() {
        errors.forbidden(&client_path, detail);
    }
    if !versions.is_empty() {
        errors.forbidden(&versions_path, detail);
    }
}

/// Whether one of the versions of ConversionReview is known, or none is named.
pub(super) fn has_known_review_version(conversion: Option<Fields<'_>>) -> bool {
    let webhook = conversion.and_then(|conversion| conversion.opt_object("webhook"));
    let mut versions = webhook
        .into_iter()
        .flat_map(|webhook| webhook.texts("conversionReviewVersions"))
        .peekable();
    versions.peek().is_none() || versions.any(|version| REVIEW_VERSIONS.contains(&version))
}

fn check_review_versions(versions: &[&str], known: bool, path: &Path<'_>, errors: &mut Errors) {
    if versions.is_empty() {
        return errors.required(path, "");
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let path = path.index(index);
        if !seen.insert(*version) {
            errors.invalid(&path, version, "duplicate version");
            continue;
        }
        for fault in label_errors(version) {
            errors.invalid(&path, version, fault);
        }
    }
    if known && !REVIEW_VERSIONS.iter().any(|version| seen.contains(version)) {
        let shown = go_json(&versions.iter().copied().collect());
        errors.invalid_printed(path, shown, "must include at least one of v1, v1beta1");
    }
}

fn check_client(client: Fields<'_>, strict: &Strictness, path: &Path<'_>, errors: &mut Errors) {
    match (client.opt_text("url"), client.opt_object("service")) {
        (Some(_), Some(_)) | (None, None) => {
            errors.required(path, "exactly one of url or service is required")
        }
        (Some(text), None) => check_url(text, &path.child("url"), errors),
        (None, Some(service)) => check_service(service, &path.child("service"), errors),
    }
    let bundle = client.text("caBundle");
    if strict.ca_bundle && is_bad_ca_bundle(bundle) {
        let detail = "unable to load root certificates: unable to parse bytes as PEM block";
        errors.invalid(&path.child("caBundle"), bundle, detail);
    }
}

fn check_url(text: &str, path: &Path<'_>, errors: &mut Errors) {
    let url = match url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            return errors.required(path, &format!("url must be a valid URL: {error}{FORM}"));
        }
    };
    if url.scheme != "https" {
        errors.invalid(
            path,
            &url.scheme,
            format!("'https' is the only allowed URL scheme{FORM}"),
        );
    }
    if url.host.is_empty() {
        errors.invalid(path, "", format!("host must be specified{FORM}"));
    }
    if let Some(user) = &url.user {
        errors.invalid(path, user, "user information is not permitted in the URL");
    }
    if !url.fragment.is_empty() {
        errors.invalid(
            path,
            &url.fragment,
            "fragments are not permitted in the URL",
        );
    }
    if !url.query.is_empty() {
        errors.invalid(
            path,
            &url.query,
            "query parameters are not permitted in the URL",
        );
    }
}

fn check_service(service: Fields<'_>, path: &Path<'_>, errors: &mut Errors) {
    // kube-apiserver mixes up the two here, and users see it.
    for (text, name) in [
        (service.text("namespace"), "name"),
        (service.text("name"), "namespace"),
    ] {
        if text.is_empty() {
            errors.required(&path.child(name), "");
        }
    }
    let port = service.int("port").unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(
            &path.child("port"),
            &port.into(),
            detail,
        ));
    }
    let (path, text) = (path.child("path"), service.text("path"));
    match text {
        "" | "/" => return,
        "//" => return errors.invalid(&path, text, "segment[0] may not be empty"),
        _ if !text.starts_with('/') => errors.invalid(&path, text, "must start with a '/'"),
        _ => {}
    }
    // The first character is skipped, whatever it is.
    let mut chars = text.chars();
    chars.next();
    let steps = chars.as_str();
    let steps = steps.strip_suffix('/').unwrap_or(steps);
    for (index, step) in steps.split('/').enumerate() {
        if step.is_empty() {
            errors.invalid(&path, text, format!("segment[{index}] may not be empty"));
            continue;
        }
        for fault in subdomain_errors(step) {
            errors.invalid(&path, text, format!("segment[{index}]: {fault}"));
        }
        if errors.full() {
            return;
        }
    }
}

pub(super) fn has_bad_ca_bundle(conversion: Option<Fields<'_>>) -> bool {
    let bundle = conversion
        .and_then(|conversion| conversion.opt_object("webhook"))
        .and_then(|webhook| webhook.opt_object("clientConfig"))
        .map_or("", |client| client.text("caBundle"));
    is_bad_ca_bundle(bundle)
}

/// Whether a bundle (base64, as JSON has it) holds no certificate. An empty one is none, and fine.
pub(crate) fn is_bad_ca_bundle(bundle: &str) -> bool {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if bundle.is_empty() {
        return false;
    }
    let Some(text) = STANDARD
        .decode(bundle)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return true;
    };
    let body = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(body, _)| body);
    // A certificate is a DER sequence.
    let der = body.and_then(|body| {
        STANDARD
            .decode(body.split_whitespace().collect::<String>())
            .ok()
    });
    der.is_none_or(|der| der.first() != Some(&0x30))
}
