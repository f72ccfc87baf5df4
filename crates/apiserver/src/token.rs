//! Tokens of service accounts: `TokenRequest`, and the documents by which others verify them.

use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    object::{self, Meta},
    request::options::{WriteKind, WriteOptions},
    serve::handler::Handler,
    status::{ApiError, GroupResource},
    write::{Write, shape::part_body},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tidegate_access::{Bound, TokenRequest};
use tidegate_kinds::part_of;
use tidegate_schema::{FieldError, Path};

/// Tokens without a wish for another time last an hour.
const DEFAULT_SECONDS: i64 = 3600;
/// And none is shorter or longer than this.
const LEAST_SECONDS: i64 = 600;
const MOST_SECONDS: i64 = 1 << 32;

/// Answers a `TokenRequest`.
pub(crate) async fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let options = WriteOptions::parse(&call.query, WriteKind::Create)?;
    let part = part_of("authentication.k8s.io", "v1", "TokenRequest")
        .ok_or_else(ApiError::unknown_resource)?;
    let sent = part_body(call, part, options.field_validation)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let mut request = write.owned_part(part, None, &sent);
    check_names(call, &request)?;
    let account = account(cluster, call)?;
    complete(cluster, call, &mut request, &account)?;
    let now = cluster.clock.seconds();
    let seconds = request["spec"]["expirationSeconds"]
        .as_i64()
        .unwrap_or(DEFAULT_SECONDS);
    let bound = Ending::find(cluster, call, &request["spec"]["boundObjectRef"])?;
    let audiences = request["spec"]["audiences"]
        .as_array()
        .into_iter()
        .flatten();
    let audiences: Vec<String> = audiences
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    let wanted = TokenRequest {
        namespace: &call.info.namespace,
        name: account.name(),
        uid: account.uid(),
        audiences: &audiences,
        lifetime_seconds: seconds,
        bound: bound.as_ref().map(Ending::bound),
    };
    if request["spec"]["boundObjectRef"].is_null() {
        // As Go writes a pointer to nothing.
        request["spec"]["boundObjectRef"] = Value::Null;
    }
    let issued = cluster
        .keys
        .issue(&wanted, now)
        .map_err(ApiError::internal)?;
    request["status"] = json!({
        "token": issued.token.expose_secret(),
        "expirationTimestamp": crate::clock::text(issued.expires),
    });
    Answer::document(201, &request, call.output)
}

fn account(cluster: &Cluster, call: &Call) -> Result<Value, ApiError> {
    let entry = cluster.store.head(&call.key());
    let entry = entry
        .ok_or_else(|| ApiError::not_found(call.resource.group_resource(), &call.info.name))?;
    call.resource.tree(&entry.value)
}

fn invalid(name: &str, error: FieldError) -> ApiError {
    ApiError::invalid("authentication.k8s.io", "TokenRequest", name, &[error])
}

/// What a request says of its account must be so.
fn check_names(call: &Call, request: &Value) -> Result<(), ApiError> {
    let root = Path::ROOT;
    let metadata = root.child("metadata");
    for (key, expected) in [
        ("name", &call.info.name),
        ("namespace", &call.info.namespace),
    ] {
        let found = request.meta_text(key);
        if !found.is_empty() && found != expected.as_str() {
            let why = format!("must match the service account {key} if specified");
            let error = FieldError::invalid(&metadata.child(key), &found.into(), why);
            return Err(invalid(&call.info.name, error));
        }
    }
    Ok(())
}

/// Checks a request and sets what it leaves open.
fn complete(
    cluster: &Cluster,
    call: &Call,
    request: &mut Value,
    account: &Value,
) -> Result<(), ApiError> {
    let uid = request.uid();
    if !uid.is_empty() && uid != account.uid() {
        let what = GroupResource {
            group: "authentication.k8s.io",
            resource: "TokenRequest",
        };
        let why = format!(
            "the UID in the token request ({uid}) does not match the UID of the service account ({})",
            account.uid()
        );
        return Err(ApiError::conflict(what, &call.info.name, &why));
    }
    let root = Path::ROOT;
    if !request["spec"].is_object() {
        request["spec"] = json!({});
    }
    if request["spec"]["audiences"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
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
        Some(number) if number < LEAST_SECONDS => Err(invalid(
            "",
            FieldError::invalid(
                &at,
                seconds,
                "may not specify a duration less than 10 minutes",
            ),
        )),
        Some(number) if number > MOST_SECONDS => {
            let why = "may not specify a duration larger than 2^32 seconds";
            Err(invalid("", FieldError::invalid(&at, seconds, why)))
        }
        Some(_) => Ok(()),
        None => Err(invalid(
            "",
            FieldError::invalid(&at, seconds, "must be a number"),
        )),
    }
}

/// The object that a token ends with.
#[derive(Debug)]
struct Ending {
    kind: String,
    name: String,
    uid: String,
    /// Of a pod: its node and the node's uid.
    node: Option<(String, String)>,
}

impl Ending {
    fn bound(&self) -> Bound<'_> {
        let (name, uid) = (self.name.as_str(), self.uid.as_str());
        match self.kind.as_str() {
            "Pod" => Bound::Pod {
                name,
                uid,
                node: self
                    .node
                    .as_ref()
                    .map(|(name, uid)| (name.as_str(), uid.as_str())),
            },
            "Secret" => Bound::Secret { name, uid },
            _ => Bound::Node { name, uid },
        }
    }

    fn find(cluster: &Cluster, call: &Call, reference: &Value) -> Result<Option<Self>, ApiError> {
        if reference.is_null() {
            return Ok(None);
        }
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let (group, _) = text("apiVersion").split_once('/').unwrap_or_default();
        let (plural, key) = match (group, kind) {
            ("", "Pod") => ("pods", format!("pods/{}/{name}", call.info.namespace)),
            ("", "Secret") => ("secrets", format!("secrets/{}/{name}", call.info.namespace)),
            ("", "Node") => ("nodes", format!("nodes/{name}")),
            (_, kind) => {
                let version = text("apiVersion");
                let slash = if version.contains('/') { "" } else { "/" };
                return Err(ApiError::bad_request(format!(
                    "cannot bind token to object of type {slash}{version}, Kind={kind}"
                )));
            }
        };
        let what = GroupResource {
            group: "",
            resource: plural,
        };
        let entry = cluster
            .store
            .head(&key)
            .ok_or_else(|| ApiError::not_found(what, name))?;
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
        let node = object["spec"]["nodeName"]
            .as_str()
            .filter(|_| kind == "Pod")
            .map(|node| {
                let entry = cluster.store.head(&format!("nodes/{node}"));
                let found = entry.and_then(|entry| object::from_bytes(&entry.value).ok());
                (
                    node.to_owned(),
                    found.map_or_else(String::new, |node| node.uid().to_owned()),
                )
            });
        Ok(Some(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: object.uid().to_owned(),
            node,
        }))
    }
}

/// The documents by which others verify tokens.
pub(crate) fn discovery(handler: &Handler, parts: &[&str]) -> Result<Answer, ApiError> {
    let keys = &handler.cluster.keys;
    let url = &handler.cluster.endpoint.url;
    let (document, media_type) = if parts.first() == Some(&"openid") {
        (keys.jwks(), "application/jwk-set+json")
    } else {
        (
            keys.openid_configuration(&format!("{url}/openid/v1/jwks")),
            crate::negotiate::JSON,
        )
    };
    let mut answer = Answer::json(200, document);
    answer.media_type = media_type;
    let age = tidegate_access::DISCOVERY_MAX_AGE;
    answer.headers.push((
        http::header::CACHE_CONTROL,
        format!("public, max-age={age}"),
    ));
    Ok(answer)
}
