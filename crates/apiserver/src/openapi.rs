//! The OpenAPI documents: version 3 by group and version, version 2 as one.

mod swagger;

use crate::{
    call::Answer,
    negotiate,
    registry::Resources,
    serve::handler::{Admitted, Handler},
    status::ApiError,
};
use aws_lc_rs::digest;
use http::header;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use tidegate_crd::{Definition, Version};

/// Answers a path below `/openapi`.
pub(crate) fn answer(
    handler: &Handler,
    request: &Admitted,
    parts: &[&str],
) -> Option<Result<Answer, ApiError>> {
    let resources = handler.cluster.registry.now();
    match parts {
        ["openapi", "v3"] => Some(index(handler, &resources)),
        ["openapi", "v3", "api", version] => document(request, &resources, "", version),
        ["openapi", "v3", "apis", group, version] => document(request, &resources, group, version),
        ["openapi", "v2"] => version_2(request, &resources),
        _ => None,
    }
}

/// Every group version's document, with a hash by which it may be kept for ever.
fn index(handler: &Handler, resources: &Resources) -> Result<Answer, ApiError> {
    let mut paths = Map::new();
    for group in &resources.groups {
        for version in &group.versions {
            let place = place(&group.name, &version.version);
            let hash = handler.documents.hash(resources.generation, &place, || {
                hash(&bytes(resources, &group.name, &version.version).unwrap_or_default())
            });
            paths.insert(
                place.clone(),
                json!({ "serverRelativeURL": format!("/openapi/v3/{place}?hash={hash}") }),
            );
        }
    }
    let index = json!({ "paths": paths });
    let mut answer = Answer::document(200, &index, negotiate::Output::default())?;
    // Kubernetes' own answer has this type.
    answer.media_type = "text/plain; charset=utf-8";
    Ok(answer)
}

fn place(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(128);
    for byte in digest::digest(&digest::SHA512, bytes).as_ref() {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn document(
    request: &Admitted,
    resources: &Resources,
    group: &str,
    version: &str,
) -> Option<Result<Answer, ApiError>> {
    let bytes = bytes(resources, group, version)?;
    let hash = hash(&bytes);
    let etag = format!("\"{hash}\"");
    let mut answer = Answer::json(200, bytes);
    answer.headers.push((header::VARY, "Accept".to_owned()));
    match request.query.get("hash").filter(|asked| !asked.is_empty()) {
        Some(asked) if asked == hash => {
            let for_ever = "public, immutable".to_owned();
            answer.headers.push((header::CACHE_CONTROL, for_ever));
        }
        Some(_) => {
            let place = place(group, version);
            let better = format!("/openapi/v3/{place}?hash={hash}");
            answer.code = 301;
            answer.body = crate::body::Body::empty();
            answer.headers.push((header::LOCATION, better));
            return Some(Ok(answer));
        }
        None => {}
    }
    let known = request
        .headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known == etag) {
        answer.code = 304;
        answer.body = crate::body::Body::empty();
    }
    answer.headers.push((header::ETAG, etag));
    Some(Ok(answer))
}

fn bytes(resources: &Resources, group: &str, version: &str) -> Option<Vec<u8>> {
    let builtin = tidegate_kinds::openapi_v3(group, version);
    let defined = defined(resources, group, version);
    if defined.is_empty() {
        return builtin;
    }
    Some(crate::object::to_bytes(&tidegate_crd::openapi_v3(&defined)))
}

/// The definitions that serve a version of a group.
fn defined<'r>(
    resources: &'r Resources,
    group: &str,
    version: &str,
) -> Vec<(&'r Definition, &'r Version)> {
    let definitions = resources
        .definitions
        .iter()
        .filter(|definition| definition.group == group);
    definitions
        .flat_map(|definition| {
            let versions = definition
                .versions
                .iter()
                .filter(|found| found.name == version && found.served);
            versions.map(move |version| (&**definition, version))
        })
        .collect()
}

/// As JSON, or in the protobuf form for who asks for that. None where neither is accepted.
fn version_2(request: &Admitted, resources: &Resources) -> Option<Result<Answer, ApiError>> {
    let [proto, alias] = swagger::ASKED;
    let form = negotiate::best(&request.headers, &[negotiate::JSON, proto, alias])?;
    Some(merged(resources).and_then(|document| {
        let mut answer = if form == negotiate::JSON {
            Answer::document(200, &document, negotiate::Output::default())?
        } else {
            let mut answer = Answer::json(200, swagger::encode(&document));
            answer.media_type = swagger::MEDIA_TYPE;
            answer
        };
        for name in ["Accept-Encoding", "Accept"] {
            answer.headers.push((header::VARY, name.to_owned()));
        }
        Ok(answer)
    }))
}

/// The document of the built-in kinds, with the definitions' parts.
fn merged(resources: &Resources) -> Result<Value, ApiError> {
    let mut document: Value =
        serde_json::from_slice(&tidegate_kinds::openapi_v2()).map_err(ApiError::internal)?;
    for definition in &resources.definitions {
        for version in definition.versions.iter().filter(|version| version.served) {
            let Value::Object(parts) = tidegate_crd::openapi_v2(definition, version) else {
                continue;
            };
            for (key, part) in parts {
                if let (Some(all), Value::Object(part)) = (document[&key].as_object_mut(), part) {
                    for (name, value) in part {
                        all.entry(name).or_insert(value);
                    }
                }
            }
        }
    }
    Ok(document)
}
