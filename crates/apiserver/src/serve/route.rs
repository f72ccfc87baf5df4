//! Which part of the server answers what.

use super::{
    handler::{Admitted, Handler},
    respond,
};
use crate::{
    backup, binding,
    body::Body,
    call::{Answer, Call},
    discovery, eviction, health, logs, metrics,
    negotiate::{self, Allowed, Output},
    openapi, read,
    request::{info::RequestInfo, options::ListOptions},
    resource::Resource,
    review,
    status::ApiError,
    token, version, write,
};
use http::{Method, Response};
use std::sync::Arc;

/// Answers an admitted request.
pub(super) async fn answer(handler: &Arc<Handler>, request: Admitted) -> Response<Body> {
    if !request.info.is_resource {
        return document(handler, &request);
    }
    let headers = request.headers.clone();
    let resources = handler.cluster.registry.now();
    let info = &request.info;
    let Some(resource) = resources
        .get(&info.group, &info.version, &info.resource)
        .cloned()
    else {
        return unknown(handler, &request);
    };
    let misplaced =
        resource.namespaced == info.namespace.is_empty() && !matches!(info.verb, "list" | "watch");
    if !resource.bare_items && (misplaced || !resource.namespaced && !info.namespace.is_empty()) {
        return respond::text(404, "404 page not found\n");
    }
    let comes_as_it_happens = request.info.verb == "watch" || request.info.subresource == "log";
    let mut call = match prepared(request, resource) {
        Ok(call) => call,
        Err(refused) => return respond::refusal(&refused.0, &headers, &refused.1.warnings),
    };
    let warnings = std::mem::take(&mut call.warnings);
    call.warnings = warnings.clone();
    if let Some(text) = &call.resource.deprecation {
        warnings.add(text.as_str());
    }
    match verb(handler, call).await {
        Ok(answer) => respond::response(answer, &headers, &warnings, comes_as_it_happens),
        Err(error) => respond::refusal(&error, &headers, &warnings),
    }
}

/// A path that names no resource that is served.
fn unknown(handler: &Handler, request: &Admitted) -> Response<Body> {
    if has_routes(handler, &request.info.group) {
        respond::refusal(
            &ApiError::unknown_resource(),
            &request.headers,
            &request.warnings,
        )
    } else {
        respond::text(404, "404 page not found\n")
    }
}

/// Whether a group is a built-in one, whose paths are routes that are known from the start. The paths of other groups
/// come and go.
fn has_routes(handler: &Handler, group: &str) -> bool {
    let resources = handler.cluster.registry.now();
    resources.group(group).is_some_and(|group| {
        let mut resources = group.versions.iter().flat_map(|version| &version.resources);
        resources.any(|resource| resource.bare_items)
    })
}

fn prepared(request: Admitted, resource: Arc<Resource>) -> Result<Call, Box<(ApiError, Admitted)>> {
    let pretty = request.query.get("pretty");
    let place = (
        resource.plural.as_str(),
        request.info.subresource.as_str(),
        resource.bare_items,
    );
    let allowed = match place {
        _ if request.info.verb == "watch" => Allowed::Events,
        ("pods", "binding" | "log", true) | ("bindings", "", true) => Allowed::Documents,
        _ => Allowed::Objects,
    };
    // Built-in kinds have no routes of these methods; custom resources have no routes at all.
    let foreign = match request.method {
        Method::GET => false,
        Method::HEAD | Method::OPTIONS => resource.bare_items,
        // By the old prefix, whatever the method.
        _ => resource.bare_items && request.info.verb == "watch",
    };
    let verb = if foreign { "" } else { request.info.verb };
    let produced = match (resource.bare_items, verb) {
        (false, _) => &[][..],
        (true, "get") if request.info.subresource == "log" => negotiate::LOGS,
        (true, "list" | "watch") => negotiate::LISTS,
        (true, _) => negotiate::OBJECTS,
    };
    let output = check_place(&request.info, &resource, verb)
        .and_then(|()| negotiate::check_route(&request.headers, produced))
        .and_then(|()| Output::negotiate(&request.headers, pretty, allowed));
    match output {
        Err(error) => Err(Box::new((error, request))),
        Ok(output) => Ok(Call {
            info: request.info,
            query: request.query,
            headers: request.headers,
            user: request.user,
            resource,
            output,
            body: request.body,
            warnings: request.warnings,
        }),
    }
}

/// The verb of a request about a resource.
async fn verb(handler: &Arc<Handler>, call: Call) -> Result<Answer, ApiError> {
    let cluster = &handler.cluster;
    let info = &call.info;
    let kind = (
        call.resource.group.as_str(),
        call.resource.plural.as_str(),
        info.subresource.as_str(),
    );
    match (kind, info.verb) {
        (("authorization.k8s.io" | "authentication.k8s.io", _, ""), "create") => {
            review::create(cluster, &call)
        }
        (("", "bindings", "") | ("", "pods", "binding"), "create") => {
            binding::create(cluster, &call).await
        }
        (("", "pods", "eviction"), "create") => eviction::create(cluster, &call).await,
        (("", "pods", "log"), "get") => logs::get(cluster, &call).await,
        (("", "serviceaccounts", "token"), "create") => token::create(cluster, &call).await,
        ((_, _, "scale"), "get") => write::scale::get(cluster, &call),
        ((_, _, "scale"), "update" | "patch") => write::scale::write(cluster, &call).await,
        (_, "get") => read::get::get(cluster, &call).await,
        (_, "list") => {
            let options = ListOptions::parse(&call.query)?;
            read::list::list(cluster, &call, &options).await
        }
        (_, "watch") => {
            let options = ListOptions::parse_watch(&call.query)?;
            read::watch::watch(cluster, call, &options).await
        }
        (_, "create") => write::create::create(cluster, &call).await,
        (_, "update") => write::update::update(cluster, &call).await,
        (_, "patch") => write::patch::patch(cluster, &call).await,
        (_, "delete") => write::delete::delete(cluster, &call).await,
        (_, "deletecollection") => {
            write::delete_collection::delete_collection(cluster, &call).await
        }
        _ => Err(ApiError::method_not_on_path()),
    }
}

/// The path must be one that the resource has, and the verb one that it serves there.
fn check_place(info: &RequestInfo, resource: &Resource, verb: &str) -> Result<(), ApiError> {
    if !info.rest.is_empty() {
        return Err(ApiError::unknown_resource());
    }
    if !info.subresource.is_empty() && resource.subresource(&info.subresource).is_none() {
        return Err(match info.subresource.as_str() {
            "status" | "scale" if !resource.bare_items => {
                ApiError::not_found(resource.group_resource(), &info.name)
            }
            _ => ApiError::unknown_resource(),
        });
    }
    if resource.group.is_empty()
        && resource.plural == "namespaces"
        && info.name.is_empty()
        && !info.namespace.is_empty()
    {
        return Err(ApiError::unknown_resource());
    }
    // An update looks at its body first.
    if !matches!(verb, "list" | "watch" | "update" | "") {
        check_segment(&info.name)?;
    }
    // A binding has no path beside those of its namespace.
    let is_binding = resource.group.is_empty() && resource.plural == "bindings";
    if is_binding && (info.namespace.is_empty() || !info.name.is_empty()) {
        return Err(ApiError::unknown_resource());
    }
    let all_namespaces = matches!(verb, "list" | "watch") || !resource.serves("", "get");
    if resource.namespaced && info.namespace.is_empty() && !all_namespaces {
        let named = matches!(verb, "get" | "update" | "patch" | "delete") && !info.name.is_empty()
            || !info.subresource.is_empty();
        return Err(if named {
            ApiError::unknown_resource()
        } else {
            ApiError::method_not_on_path()
        });
    }
    if !resource.namespaced && !info.namespace.is_empty() && resource.plural != "namespaces" {
        return Err(ApiError::unknown_resource());
    }
    let on_object =
        !info.name.is_empty() || matches!(verb, "create" | "list" | "watch" | "deletecollection");
    let wrong_place = verb == "create" && !info.name.is_empty() && info.subresource.is_empty();
    if !on_object || wrong_place || !resource.serves(&info.subresource, verb) {
        if !resource.bare_items && !info.subresource.is_empty() {
            return Err(ApiError::method_not_supported(
                resource.group_resource(),
                verb,
            ));
        }
        return Err(ApiError::method_not_on_path());
    }
    Ok(())
}

/// A name is one segment of a path.
pub(crate) fn check_segment(name: &str) -> Result<(), ApiError> {
    let why = if matches!(name, "." | "..") {
        format!("may not be '{name}'")
    } else if let Some(c) = name.chars().find(|c| matches!(c, '/' | '%')) {
        format!("may not contain '{c}'")
    } else {
        return Ok(());
    };
    Err(ApiError::bad_request(format!(
        "Name parameter invalid: {name:?}: {why}"
    )))
}

/// Everything that is no resource: discovery, OpenAPI, health, version.
fn document(handler: &Handler, request: &Admitted) -> Response<Body> {
    let path = request.info.path.as_str();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    // These look at no method.
    match parts.as_slice() {
        ["livez" | "readyz" | "healthz", ..] => return health::answer(handler, request, &parts),
        ["openapi", "v3", ..] | ["openapi", "v2"] => {
            return match openapi::answer(handler, request, &parts) {
                Some(found) => answered(found, request),
                None if parts == ["openapi", "v2"] => respond::bare(406),
                None => respond::bare(404),
            };
        }
        _ => {}
    }
    let found = match parts.as_slice() {
        [""] | ["api" | "apis", ..] => discovery::answer(handler, request, &parts),
        ["tidegate", "backup"] if request.method == Method::GET => return backup::answer(handler),
        ["metrics"] => return metrics::answer(handler),
        ["version"] => Some(version::answer(request)),
        [".well-known", "openid-configuration"] | ["openid", "v1", "jwks"] => {
            Some(token::discovery(handler, &parts))
        }
        _ => None,
    };
    let routed = match parts.as_slice() {
        [""] | ["apis"] => return answered(found.unwrap_or_else(missing), request),
        ["api", ..] | ["version"] | [".well-known" | "openid", ..] => true,
        ["apis", group, ..] => has_routes(handler, group),
        _ => false,
    };
    let produced: &[&str] = match parts.as_slice() {
        ["openid", ..] => &["application/jwk-set+json"],
        [".well-known", ..] | ["version"] => &[negotiate::JSON],
        _ => negotiate::OBJECTS,
    };
    match found {
        Some(_) if routed && request.method != Method::GET => {
            answered(Err(ApiError::method_not_on_path()), request)
        }
        Some(found) if routed => {
            let checked = negotiate::check_route(&request.headers, produced);
            answered(checked.and(found), request)
        }
        Some(found) => answered(found, request),
        None if routed => answered(missing(), request),
        None => respond::text(404, "404 page not found\n"),
    }
}

fn missing() -> Result<Answer, ApiError> {
    Err(ApiError::unknown_resource())
}

fn answered(answer: Result<Answer, ApiError>, request: &Admitted) -> Response<Body> {
    match answer {
        Ok(answer) => respond::response(answer, &request.headers, &request.warnings, false),
        Err(error) => respond::refusal(&error, &request.headers, &request.warnings),
    }
}
