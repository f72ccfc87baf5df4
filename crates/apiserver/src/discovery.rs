//! Discovery: which groups, versions and resources there are, one by one or all at once.

use crate::{
    call::Answer,
    negotiate::{Allowed, Output},
    registry::{Group, GroupVersion, Resources},
    resource::{Resource, Subresource},
    serve::handler::{Admitted, Handler},
    status::ApiError,
};
use aws_lc_rs::digest;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What a client asks for to get all resources in one answer.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers a path below `/api` or `/apis`, or the root.
pub(crate) fn answer(
    handler: &Handler,
    request: &Admitted,
    parts: &[&str],
) -> Option<Result<Answer, ApiError>> {
    let resources = handler.cluster.registry.now();
    let wants_all = wants_aggregated(&request.headers);
    let document = match parts {
        [""] => json!({ "paths": paths(&resources) }),
        ["api"] if wants_all => return Some(aggregated(request, &resources, true)),
        ["apis"] if wants_all => return Some(aggregated(request, &resources, false)),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{
                "clientCIDR": "0.0.0.0/0",
                "serverAddress": handler.cluster.endpoint.address.to_string(),
            }],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": named(&resources).map(group).collect::<Vec<_>>(),
        }),
        ["api", version] => resource_list(&resources, "", version)?,
        ["apis", name] => {
            let mut document = group(named(&resources).find(|group| group.name == *name)?);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        ["apis", name, version] => resource_list(&resources, name, version)?,
        _ => return None,
    };
    let output = Output::negotiate(
        &request.headers,
        request.query.get("pretty"),
        Allowed::Documents,
    );
    Some(output.and_then(|output| Answer::document(200, &document, output)))
}

fn named(resources: &Resources) -> impl Iterator<Item = &Group> {
    resources
        .groups
        .iter()
        .filter(|group| !group.name.is_empty())
}

fn paths(resources: &Resources) -> Vec<String> {
    let fixed = ["/api", "/api/v1", "/apis", "/apis/"];
    let fixed = fixed.iter().map(|path| (*path).to_owned());
    let groups = named(resources).flat_map(|group| {
        let versions = group
            .versions
            .iter()
            .map(move |version| format!("/apis/{}/{}", group.name, version.version));
        std::iter::once(format!("/apis/{}", group.name)).chain(versions)
    });
    let others = [
        "/healthz",
        "/livez",
        "/livez/ping",
        "/livez/etcd",
        "/openapi/v2",
        "/openapi/v3",
        "/openapi/v3/",
        "/openid/v1/jwks",
        "/readyz",
        "/readyz/ping",
        "/readyz/etcd",
        "/version",
        "/.well-known/openid-configuration",
    ];
    let mut all: Vec<String> = fixed
        .chain(groups)
        .chain(others.iter().map(|path| (*path).to_owned()))
        .collect();
    all.sort_unstable();
    all
}

fn group(group: &Group) -> Value {
    let version = |version: &GroupVersion| {
        json!({
            "groupVersion": format!("{}/{}", group.name, version.version),
            "version": version.version,
        })
    };
    let versions: Vec<Value> = group.versions.iter().map(version).collect();
    json!({
        "name": group.name,
        "versions": versions,
        "preferredVersion": versions.first(),
    })
}

fn resource_list(resources: &Resources, group: &str, version: &str) -> Option<Value> {
    let versions = &resources.group(group)?.versions;
    let found = versions.iter().find(|found| found.version == version)?;
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut list: Vec<Value> = Vec::new();
    let mut resources: Vec<_> = found.resources.iter().collect();
    resources.sort_by(|a, b| a.plural.cmp(&b.plural));
    for resource in resources {
        list.push(entry(resource));
        list.extend(
            resource
                .subresources
                .iter()
                .map(|subresource| subresource_entry(resource, subresource)),
        );
    }
    let mut document =
        json!({ "kind": "APIResourceList", "groupVersion": group_version, "resources": list });
    if group_version != "v1" {
        document["apiVersion"] = "v1".into();
    }
    Some(document)
}

fn entry(resource: &Resource) -> Value {
    let mut entry = Map::new();
    entry.insert("name".into(), resource.plural.as_str().into());
    entry.insert("singularName".into(), resource.singular.as_str().into());
    entry.insert("namespaced".into(), resource.namespaced.into());
    entry.insert("kind".into(), resource.kind.as_str().into());
    entry.insert("verbs".into(), resource.verbs.clone().into());
    if !resource.short_names.is_empty() {
        entry.insert("shortNames".into(), resource.short_names.clone().into());
    }
    if !resource.categories.is_empty() {
        entry.insert("categories".into(), resource.categories.clone().into());
    }
    if !resource.storage_version_hash.is_empty() {
        entry.insert(
            "storageVersionHash".into(),
            resource.storage_version_hash.as_str().into(),
        );
    }
    Value::Object(entry)
}

fn subresource_entry(resource: &Resource, subresource: &Subresource) -> Value {
    let mut entry = json!({
        "name": format!("{}/{}", resource.plural, subresource.name),
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": subresource.kind,
        "verbs": subresource.verbs,
    });
    if (subresource.group.as_str(), subresource.version.as_str())
        != (resource.group.as_str(), resource.version.as_str())
    {
        entry["group"] = subresource.group.as_str().into();
        entry["version"] = subresource.version.as_str().into();
    }
    entry
}

/// Whether the first media type that is asked for, and that we have, is the aggregated one.
fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for clause in accept.flat_map(|text| text.split(',')) {
        let mut parts = clause.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters: Vec<&str> = parts.collect();
        if media_type != "application/json" && media_type != "*/*" {
            continue;
        }
        let has = |parameter: &str| parameters.contains(&parameter);
        if has("g=apidiscovery.k8s.io") {
            if has("v=v2") && has("as=APIGroupDiscoveryList") {
                return true;
            }
            continue;
        }
        return false;
    }
    false
}

fn aggregated(request: &Admitted, resources: &Resources, core: bool) -> Result<Answer, ApiError> {
    let groups = resources
        .groups
        .iter()
        .filter(|group| group.name.is_empty() == core);
    let items: Vec<Value> = groups.map(group_discovery).collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    let mut answer = Answer::document(200, &document, Output::default())?;
    answer.media_type = AGGREGATED;
    let etag = etag(&crate::object::to_bytes(&document));
    let known = request
        .headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known == etag) {
        answer.code = 304;
        answer.body = crate::body::Body::empty();
    }
    answer.headers.push((header::ETAG, etag));
    answer.headers.push((header::VARY, "Accept".to_owned()));
    answer
        .headers
        .push((header::CACHE_CONTROL, "public".to_owned()));
    Ok(answer)
}

/// A quoted hash.
fn etag(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for byte in digest::digest(&digest::SHA512, bytes).as_ref() {
        let _ = write!(text, "{byte:02X}");
    }
    text.push('"');
    text
}

fn group_discovery(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|version| {
            json!({
                "version": version.version,
                "resources": version.resources.iter().map(|resource| discovery(resource)).collect::<Vec<_>>(),
                "freshness": "Current",
            })
        })
        .collect();
    let metadata = if group.name.is_empty() {
        json!({})
    } else {
        json!({ "name": group.name })
    };
    json!({ "metadata": metadata, "versions": versions })
}

fn discovery(resource: &Resource) -> Value {
    // Built-in kinds name a group and version only where it is not the place's own.
    let response = |group: &str, version: &str, kind: &str| {
        let own = group == resource.group && version == resource.version;
        let (group, version) = match resource.bare_items && own {
            true => ("", ""),
            false => (group, version),
        };
        json!({ "group": group, "version": version, "kind": kind })
    };
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": response(&resource.group, &resource.version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = resource.short_names.clone().into();
    }
    if !resource.categories.is_empty() {
        entry["categories"] = resource.categories.clone().into();
    }
    if !resource.subresources.is_empty() {
        let mut parts: Vec<&Subresource> = resource.subresources.iter().collect();
        if resource.bare_items {
            parts.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let parts = parts.iter().map(|part| {
            json!({
                "subresource": part.name,
                "responseKind": response(&part.group, &part.version, &part.kind),
                "verbs": part.verbs,
            })
        });
        entry["subresources"] = parts.collect();
    }
    entry
}
