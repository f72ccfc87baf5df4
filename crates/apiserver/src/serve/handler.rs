//! The way of a request: who, what, may they, and then the verb.

use super::{
    limits::{Class, Limits, Place, Turnstile},
    pace::Pace,
    respond, route,
    websocket::{self, Protocols},
};
use crate::{
    body::Body,
    call::Warnings,
    cluster::Cluster,
    faults::FaultAnswer,
    metrics::{self, Metrics},
    request::{info::RequestInfo, query::Query},
    selector::FieldSelector,
    status::{ApiError, GroupResource},
};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Method, Request, Response, header, request};
use http_body::Body as _;
use http_body_util::{BodyExt, BodyStream, Limited};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use secrecy::ExposeSecret;
use std::{future::ready, sync::Arc, time::Duration};
use tidegate_access::{Attributes, User};

/// Bodies up to this many bytes are not watched on their way.
const SHORT: u64 = 4096;

/// So much of a body is read beyond the limit, and for so long.
const DROPPED: usize = 16 << 20;
const DROP_TIME: Duration = Duration::from_secs(2);

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) limits: Limits,
    pub(crate) turnstile: Turnstile,
    pub(crate) documents: crate::documents::Documents,
    pub(crate) metrics: Metrics,
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The certificate that the client showed; TLS has verified it.
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) upgrade: websocket::Upgrade,
}

/// A request whose sender is known and may do what it asks.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) method: Method,
    pub(crate) info: RequestInfo,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) user: User,
    pub(crate) body: Bytes,
    pub(crate) warnings: Warnings,
}

impl Handler {
    pub(crate) fn new(cluster: Arc<Cluster>, limits: Limits) -> Self {
        Self {
            cluster,
            turnstile: Turnstile::new(&limits),
            limits,
            documents: crate::documents::Documents::default(),
            metrics: Metrics::default(),
        }
    }

    /// Answers a request, and counts it. Never fails: a refusal is an answer too.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let about = about(&parts);
        let running = metrics::Running::new(&about.0, &about.1, &parts.headers);
        let response = self.answer(parts, body, about, peer).await;
        let resources = self.cluster.registry.now();
        self.metrics.count(running, response.status(), &resources);
        response
    }

    async fn answer(
        self: &Arc<Self>,
        mut parts: request::Parts,
        body: Incoming,
        about: (RequestInfo, Query),
        peer: &Peer,
    ) -> Response<Body> {
        let request_headers = parts.headers.clone();
        let method = parts.method.clone();
        let connection = parts.extensions.remove::<OnUpgrade>();
        let is_head = method == Method::HEAD;
        let to_socket = about.0.verb == "watch" && websocket::is_wanted(&request_headers);
        if let Some(fault) = about.0.fault(&parts.uri) {
            return respond::unread(if is_head { String::new() } else { fault });
        }
        let Some(mut place) = self.turnstile.enter(class_of(&about.0)) else {
            return respond::refusal(&too_many(), &request_headers, &Warnings::default());
        };
        let warnings = Warnings::default();
        let answered = self
            .admitted(parts, body, about, peer, &warnings, &mut place)
            .await;
        let response = match answered {
            Ok(admitted) => route::answer(self, admitted).await,
            Err(error) => respond::refusal(&error, &request_headers, &warnings),
        };
        if is_head {
            return response.map(|_| Body::empty());
        }
        if to_socket && response.body().len().is_none() {
            let protocols = Protocols::read(&request_headers);
            let request = (&method, &request_headers);
            let upgrade = &peer.upgrade;
            return upgrade.answer(connection, request, &protocols, response, place);
        }
        // A short body is soon gone. Others keep their place until they are sent.
        if response.body().len().is_some_and(|len| len <= SHORT) {
            response
        } else {
            response.map(|body| body.sent(peer.pace.clone(), place))
        }
    }

    async fn admitted(
        &self,
        parts: request::Parts,
        body: Incoming,
        (info, query): (RequestInfo, Query),
        peer: &Peer,
        warnings: &Warnings,
        place: &mut Place,
    ) -> Result<Admitted, ApiError> {
        let user = self.user(&parts.headers, peer)?;
        if has_spare_space(&parts.headers) {
            warnings.add("the provided Authorization header contains extra space before the bearer token, and is ignored");
        }
        let user = self.impersonated(&parts.headers, &info, user)?;
        // Nothing has been waited for until here, so a place that is nobody's is soon somebody's.
        if !place.give_to(&user.name) {
            return Err(too_many());
        }
        if let Some(fault) = self.cluster.faults.before_request().await {
            return Err(ordered(fault));
        }
        authorize(&self.cluster, &user, &attributes(&info, info.verb))?;
        let body = self.read(&parts.method, body).await?;
        let (headers, body) = crate::protobuf::translated(parts.headers, body)?;
        Ok(Admitted {
            method: parts.method,
            info,
            query,
            headers,
            user,
            body,
            warnings: warnings.clone(),
        })
    }

    fn user(&self, headers: &HeaderMap, peer: &Peer) -> Result<User, ApiError> {
        let protocols = match websocket::is_wanted(headers) {
            true => Protocols::read(headers),
            false => Protocols::default(),
        };
        let token = protocols.token().unwrap_or_default();
        let bearer = bearer(headers).or(token.map(|token| token.expose_secret()));
        let now = self.cluster.clock.seconds();
        let bound = crate::bound::Bound(&self.cluster.store);
        let user = self
            .cluster
            .authenticator
            .authenticate(bearer, peer.certificate.as_deref(), now, &bound)
            .map_err(|_| ApiError::unauthorized())?;
        match user {
            Some(user) => Ok(user),
            None if protocols.token().is_err() => Err(ApiError::unauthorized()),
            None => Ok(User::anonymous()),
        }
    }

    /// The user that the sender wants to be, if they may.
    fn impersonated(
        &self,
        headers: &HeaderMap,
        info: &RequestInfo,
        user: User,
    ) -> Result<User, ApiError> {
        // All of them, whatever their bytes: one left out would leave the sender who they are.
        let all = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let wanted = tidegate_access::Impersonation::parse(all)
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        let Some(wanted) = wanted else {
            return Ok(user);
        };
        let decide = |user: &User, attributes: &Attributes<'_>| {
            self.cluster.rbac().authorize(user, attributes)
        };
        wanted
            .authorize(&user, &attributes(info, info.verb), decide)
            .map_err(|refusal| {
                let what = GroupResource {
                    group: &refusal.group,
                    resource: &refusal.resource,
                };
                ApiError::forbidden(what, &refusal.name, &refusal.message)
            })
    }

    async fn read(&self, method: &Method, body: Incoming) -> Result<Bytes, ApiError> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(Bytes::new());
        }
        let limit = self.limits.body_bytes;
        let reading = tokio::time::timeout(self.limits.body_time, whole(body, limit));
        match reading.await {
            Ok(Ok(Some(body))) => Ok(body),
            Ok(Ok(None)) => Err(ApiError::too_large(format!("limit is {limit}"))),
            Ok(Err(error)) => Err(ApiError::bad_request(format!(
                "the request's body can't be read: {error}"
            ))),
            Err(_) => Err(ApiError::timeout(
                "the request's body did not come in time",
                0,
            )),
        }
    }
}

/// A body, unless it is longer than the limit. What is beyond it is read and dropped, up to a point, because a client
/// that is still sending does not see the answer.
async fn whole(mut body: Incoming, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if least > limit.saturating_add(DROPPED) {
        return Ok(None);
    }
    let collected = Limited::new(&mut body, limit).collect().await;
    match collected {
        Ok(collected) => Ok(Some(collected.to_bytes())),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => Err(*error),
            Err(_too_long) => {
                let rest = Limited::new(body, DROPPED);
                let rest = BodyStream::new(rest).for_each(|_dropped| ready(()));
                // Whether it has come to an end or not, the answer is the same.
                let _ = tokio::time::timeout(DROP_TIME, rest).await;
                Ok(None)
            }
        },
    }
}

/// Whether a request looks like a watch. One that looks otherwise is answered all the same.
pub(super) fn is_watch<B>(request: &Request<B>) -> bool {
    let uri = request.uri();
    uri.path().contains("/watch/") || uri.query().is_some_and(|query| query.contains("watch="))
}

/// What a request is about, and its query.
fn about(parts: &request::Parts) -> (RequestInfo, Query) {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let watch = query
        .get("watch")
        .is_some_and(|text| !text.eq_ignore_ascii_case("false") && text != "0");
    let selector = query
        .get("fieldSelector")
        .and_then(|text| FieldSelector::parse(text).ok());
    let name = selector
        .as_ref()
        .and_then(|selector| selector.exact("metadata.name"));
    let info = RequestInfo::parse(&parts.method, parts.uri.path(), watch, name);
    (info, query)
}

fn class_of(info: &RequestInfo) -> Class {
    match info.verb {
        "watch" => Class::Watch,
        // It may be followed for as long.
        "get" if info.resource == "pods" && info.subresource == "log" => Class::Watch,
        "create" | "update" | "patch" | "delete" | "deletecollection" | "post" | "put" => {
            Class::Writing
        }
        _ => Class::Reading,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    tidegate_access::bearer_token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// A bearer token behind more than one space is none.
fn has_spare_space(headers: &HeaderMap) -> bool {
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer  "))
}

/// What the authorizer sees of a request.
pub(crate) fn attributes<'a>(info: &'a RequestInfo, verb: &'a str) -> Attributes<'a> {
    Attributes {
        verb,
        group: &info.group,
        version: &info.version,
        resource: &info.resource,
        subresource: &info.subresource,
        namespace: &info.namespace,
        name: &info.name,
        path: &info.path,
        is_resource: info.is_resource,
    }
}

/// Refuses what the user may not do, in the words that users know.
pub(crate) fn authorize(
    cluster: &Cluster,
    user: &User,
    attributes: &Attributes<'_>,
) -> Result<(), ApiError> {
    let decision = cluster.rbac().authorize(user, attributes);
    if decision.allowed {
        return Ok(());
    }
    let mut why = tidegate_access::forbidden_message(user, attributes);
    if !decision.reason.is_empty() {
        why = format!("{why}: {}", decision.reason);
    }
    let what = GroupResource {
        group: attributes.group,
        resource: attributes.resource,
    };
    Err(ApiError::forbidden(what, attributes.name, &why))
}

fn too_many() -> ApiError {
    ApiError::too_many_requests("Too many requests, please try again later.", 1)
}

fn ordered(fault: FaultAnswer) -> ApiError {
    match fault {
        FaultAnswer::TooManyRequests { retry_after } => {
            ApiError::too_many_requests("Too many requests, please try again later.", retry_after)
        }
        FaultAnswer::InternalError => ApiError::internal("ordered by a test"),
        FaultAnswer::Unavailable => ApiError::unavailable("ordered by a test"),
    }
}

impl Cluster {
    /// Whether the sender of a call may also do something else with the same object.
    pub(crate) fn authorize_as(
        &self,
        call: &crate::call::Call,
        verb: &str,
    ) -> Result<(), ApiError> {
        authorize(self, &call.user, &attributes(&call.info, verb))
    }
}
