//! Tokens of service accounts: `TokenRequest`, and the documents by which others verify them.

use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    negotiate::Output,
    object::{self, Meta},
    request::options::{WriteKind, WriteOptions},
    serve::handler::Handler,
    status::{ApiError, GroupResource},
    write,
};
use serde_json::{Value, json};
use tidegate_access::TokenClaims;
use tidegate_schema::{FieldError, Path};

/// Tokens without a wish for another time last an hour.
const DEFAULT_SECONDS: i64 = 3600;
/// And none is shorter or longer than this.
const LEAST_SECONDS: i64 = 600;
const MOST_SECONDS: i64 = 1 << 32;

/// Answers a `TokenRequest`.
pub(crate) async fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    WriteOptions::parse(&call.query, WriteKind::Create)?;
    let format = crate::negotiate::input_format(&call.headers)?;
    let decoded = write::decode(&call.body, format, &call.resource, "authentication.k8s.io/v1", "TokenRequest")?;
    let mut request = decoded.object;
    let account = account(cluster, call)?;
    complete(cluster, call, &mut request, &account)?;
    let now = cluster.clock.seconds();
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(DEFAULT_SECONDS);
    let bound = bound(cluster, call, &request["spec"]["boundObjectRef"])?;
    let audiences = request["spec"]["audiences"].as_array().into_iter().flatten();
    let claims = TokenClaims {
        namespace: call.info.namespace.clone(),
        account: account.name().to_owned(),
        account_uid: account.uid().to_owned(),
        bound,
        audiences: audiences.filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        issued_at: now,
        expires_at: now + seconds,
    };
    let token = cluster.keys.issue(&claims).map_err(ApiError::internal)?;
    request["status"] = json!({ "token": token, "expirationTimestamp": crate::clock::text(now + seconds) });
    Answer::document(201, &request, call.output)
}

fn account(cluster: &Cluster, call: &Call) -> Result<Value, ApiError> {
    let entry = cluster.store.head(&call.key());
    let entry = entry.ok_or_else(|| ApiError::not_found(call.resource.group_resource(), &call.info.name))?;
    call.resource.tree(&entry.value)
}

/// Checks a request and sets what it leaves open.
fn complete(cluster: &Cluster, call: &Call, request: &mut Value, account: &Value) -> Result<(), ApiError> {
    let invalid = |name: &str, error| ApiError::invalid("authentication.k8s.io", "TokenRequest", name, &[error]);
    let root = Path::ROOT;
    let metadata = root.child("metadata");
    for (key, expected) in [("name", &call.info.name), ("namespace", &call.info.namespace)] {
        let found = request.meta_text(key);
        if !found.is_empty() && found != expected.as_str() {
            let why = format!("must match the service account {key} if specified");
            let error = FieldError::invalid(&metadata.child(key), &found.into(), why);
            return Err(invalid(&call.info.name, error));
        }
    }
    if !request["spec"].is_object() {
        request["spec"] = json!({});
    }
    if request["spec"]["audiences"].as_array().is_none_or(Vec::is_empty) {
        request["spec"]["audiences"] = cluster.keys.audiences().into();
    }
    if request["spec"]["expirationSeconds"].is_null() {
        request["spec"]["expirationSeconds"] = DEFAULT_SECONDS.into();
    }
    request.set_meta("name", account.name());
    request.set_meta("namespace", account.namespace());
    request.set_meta("uid", account.uid());
    request.set_meta("creationTimestamp", cluster.clock.time());
    let spec = root.child("spec");
    let at = spec.child("expirationSeconds");
    let seconds = &request["spec"]["expirationSeconds"];
    match seconds.as_i64() {
        Some(number) if number < LEAST_SECONDS => {
            Err(invalid("", FieldError::invalid(&at, seconds, "may not specify a duration less than 10 minutes")))
        }
        Some(number) if number > MOST_SECONDS => {
            let why = "may not specify a duration larger than 2^32 seconds";
            Err(invalid("", FieldError::invalid(&at, seconds, why)))
        }
        Some(_) => Ok(()),
        None => Err(invalid("", FieldError::invalid(&at, seconds, "must be a number"))),
    }
}

/// The object that a token ends with: kind, name, uid.
fn bound(cluster: &Cluster, call: &Call, reference: &Value) -> Result<Option<(String, String, String)>, ApiError> {
    if reference.is_null() {
        return Ok(None);
    }
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let (plural, key) = match (text("apiVersion"), kind) {
        ("v1", "Pod") => ("pods", format!("pods/{}/{name}", call.info.namespace)),
        ("v1", "Secret") => ("secrets", format!("secrets/{}/{name}", call.info.namespace)),
        ("v1", "Node") => ("nodes", format!("nodes/{name}")),
        (version, kind) => {
            return Err(ApiError::bad_request(format!(
                "cannot bind token to object of type {version}, Kind={kind}"
            )));
        }
    };
    let what = GroupResource {
        group: "",
        resource: plural,
    };
    let entry = cluster.store.head(&key).ok_or_else(|| ApiError::not_found(what, name))?;
    let object = object::from_bytes(&entry.value).map_err(ApiError::internal)?;
    if kind == "Pod" && object["spec"]["serviceAccountName"] != call.info.name.as_str() {
        return Err(ApiError::bad_request(format!(
            "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
            call.info.name
        )));
    }
    let uid = text("uid");
    if !uid.is_empty() && uid != object.uid() {
        let what = GroupResource {
            group: "",
            resource: kind,
        };
        return Err(ApiError::conflict(
            what,
            name,
            &format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have \
                 been deleted and then recreated"
            ),
        ));
    }
    Ok(Some((kind.to_owned(), name.to_owned(), object.uid().to_owned())))
}

/// The documents by which others verify tokens.
pub(crate) fn discovery(handler: &Handler, parts: &[&str]) -> Result<Answer, ApiError> {
    let keys = &handler.cluster.keys;
    let document = if parts.first() == Some(&"openid") {
        keys.jwks()
    } else {
        keys.openid_configuration(&format!("{}/openid/v1/jwks", handler.cluster.endpoint.url))
    };
    Answer::document(200, &document, Output::default())
}
