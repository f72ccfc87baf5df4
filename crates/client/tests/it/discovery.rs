//! Discovery from recorded documents, and from servers that misbehave.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use expect_test::{Expect, expect, expect_file};
use http::{Request, Response, header};
use serde_json::value::RawValue;
use tidegate_client::{ClientError, Discovery, Gvr};

use crate::server::{Server, Streamed, answer, with};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const CORE: &[u8] = include_bytes!("../golden/api.aggregated.json");
const NAMED: &[u8] = include_bytes!("../golden/apis.aggregated.json");
const LEGACY: &str = include_str!("../golden/legacy.json");

fn recorded() -> Discovery {
    Discovery::from_documents(CORE, NAMED).expect("recorded documents")
}

fn table(discovery: &Discovery) -> String {
    let line = |r: &tidegate_client::Resource| {
        let scope = if r.namespaced {
            "namespaced"
        } else {
            "cluster"
        };
        let short = r.short_names.join(",");
        format!(
            "{} {} {} {scope} [{short}] [{}]\n",
            r.gvr(),
            r.kind,
            r.singular,
            r.categories.join(",")
        )
    };
    discovery.resources().map(line).collect()
}

fn resolved(discovery: &Discovery, word: &str) -> String {
    match discovery.resolve(word) {
        Ok(found) => found
            .iter()
            .map(|resource| resource.gvr().to_string())
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error.to_string(),
    }
}

/// What each word means.
#[track_caller]
fn check(words: &str, expect: Expect) {
    let discovery = recorded();
    let lines = words
        .split(' ')
        .map(|word| format!("{word}: {}\n", resolved(&discovery, word)));
    expect.assert_eq(&lines.collect::<String>());
}

#[test]
fn everything_that_a_server_serves() {
    expect_file!["../golden/resources.txt"].assert_eq(&table(&recorded()));
}

#[test]
fn plurals_singulars_kinds_and_short_names() {
    check(
        "pods pod Pod PODS po PO deployments deploy Deployment hpa ev tr tideroute TideRoute",
        expect![[r#"
            pods: pods.v1
            pod: pods.v1
            Pod: pods.v1
            PODS: pods.v1
            po: pods.v1
            PO: pods.v1
            deployments: deployments.v1.apps
            deploy: deployments.v1.apps
            Deployment: deployments.v1.apps
            hpa: horizontalpodautoscalers.v2.autoscaling
            ev: events.v1
            tr: routes.v1.demo.tidegate.dev
            tideroute: routes.v1.demo.tidegate.dev
            TideRoute: routes.v1.demo.tidegate.dev
        "#]],
    );
}

#[test]
fn groups_and_versions() {
    check(
        "deployments.apps deployment.v1.apps deploy.v1.apps deploy.demo routes.v1beta1.demo.tidegate.dev \
         hpa.v1.autoscaling services.serving.example.com services.serving ksvc pods.v1. pods.v1 \
         events.events.k8s.io Deployment.v1.apps TideRoute.v2alpha1.demo.tidegate.dev",
        expect![[r#"
            deployments.apps: deployments.v1.apps
            deployment.v1.apps: deployments.v1.apps
            deploy.v1.apps: deployments.v1.apps
            deploy.demo: routes.v1.demo.tidegate.dev
            routes.v1beta1.demo.tidegate.dev: routes.v1beta1.demo.tidegate.dev
            hpa.v1.autoscaling: horizontalpodautoscalers.v1.autoscaling
            services.serving.example.com: services.v1.serving.example.com
            services.serving: services.v1.serving.example.com
            ksvc: services.v1.serving.example.com
            pods.v1.: pods.v1
            pods.v1: pods.v1
            events.events.k8s.io: events.v1.events.k8s.io
            Deployment.v1.apps: deployments.v1.apps
            TideRoute.v2alpha1.demo.tidegate.dev: routes.v2alpha1.demo.tidegate.dev
        "#]],
    );
}

#[test]
fn the_core_group_wins_then_the_servers_order() {
    check(
        "services service svc events",
        expect![[r#"
        services: services.v1
        service: services.v1
        svc: services.v1
        events: events.v1
    "#]],
    );
}

#[test]
fn categories_mean_several() {
    check(
        "all tides",
        expect![[r#"
        all: pods.v1 replicationcontrollers.v1 services.v1 daemonsets.v1.apps deployments.v1.apps replicasets.v1.apps statefulsets.v1.apps horizontalpodautoscalers.v2.autoscaling cronjobs.v1.batch jobs.v1.batch routes.v1.demo.tidegate.dev
        tides: routes.v1.demo.tidegate.dev
    "#]],
    );
}

#[test]
fn unknown_words_get_a_suggestion() {
    check(
        "foo pdos deploymen pods.foo routes.v9.demo.tidegate.dev x 日本 . ..",
        expect![[r#"
            foo: the server doesn't have a resource type "foo" (could not be read: metrics.example.com/v1beta1)
            pdos: the server doesn't have a resource type "pdos"; did you mean "pods"? (could not be read: metrics.example.com/v1beta1)
            deploymen: the server doesn't have a resource type "deploymen"; did you mean "deployments"? (could not be read: metrics.example.com/v1beta1)
            pods.foo: the server doesn't have a resource type "pods" in group "foo"; did you mean "pods"? (could not be read: metrics.example.com/v1beta1)
            routes.v9.demo.tidegate.dev: the server doesn't have a resource type "routes" in group "v9.demo.tidegate.dev"; did you mean "routes.demo.tidegate.dev"? (could not be read: metrics.example.com/v1beta1)
            x: the server doesn't have a resource type "x" (could not be read: metrics.example.com/v1beta1)
            日本: the server doesn't have a resource type "日本" (could not be read: metrics.example.com/v1beta1)
            .: the server doesn't have a resource type "" (could not be read: metrics.example.com/v1beta1)
            ..: the server doesn't have a resource type "" in group "." (could not be read: metrics.example.com/v1beta1)
        "#]],
    );
}

#[test]
fn listable_leaves_out_what_cannot_be_watched_and_the_second_events() {
    let discovery = recorded();
    let listable = discovery.listable();
    let has = |name: &str| {
        listable
            .iter()
            .any(|resource| resource.gvr().to_string() == name)
    };
    assert!(has("events.v1") && !has("events.v1.events.k8s.io"));
    assert!(
        has("horizontalpodautoscalers.v2.autoscaling")
            && !has("horizontalpodautoscalers.v1.autoscaling")
    );
    assert!(
        !has("bindings.v1")
            && !has("componentstatuses.v1")
            && !has("selfsubjectreviews.v1.authentication.k8s.io")
    );
    let routes = Gvr::new("demo.tidegate.dev", "v2alpha1", "routes");
    assert_eq!(
        discovery
            .find(&routes)
            .map(|resource| resource.kind.as_str()),
        Some("TideRoute")
    );
}

#[test]
fn stale_versions_are_failures() {
    let failures: Vec<_> = recorded()
        .failures()
        .map(|failure| failure.group_version.clone())
        .collect();
    assert_eq!(failures, ["metrics.example.com/v1beta1"]);
}

#[test]
fn malformed_documents_are_named() {
    let error = |named: &str| {
        let error = Discovery::from_documents(CORE, named.as_bytes()).expect_err(named);
        assert!(matches!(error, ClientError::Malformed { .. }));
        error.to_string()
    };
    for cut in (0..NAMED.len()).step_by(997) {
        error(std::str::from_utf8(&NAMED[..cut]).expect("ASCII"));
    }
    let kind = error(r#"{"kind":"APIGroupList","groups":[]}"#);
    assert_eq!(
        kind,
        r#"/apis: the document is of kind "APIGroupList", not "APIGroupDiscoveryList""#
    );
    error(r#"{"kind":"APIGroupDiscoveryList","items":[{"versions":[{"version":7}]}]}"#);
    error(r#"[]"#);
}

/// Serves the recorded legacy documents; one group version is broken.
async fn legacy_server(broken: &'static str) -> Server {
    let documents: HashMap<String, Box<RawValue>> =
        serde_json::from_str(LEGACY).expect("recorded documents");
    let documents = Arc::new(documents);
    Server::start(move |request: Request<_>| {
        let documents = Arc::clone(&documents);
        async move {
            let document = documents
                .get(request.uri().path())
                .filter(|_| request.uri().path() != broken);
            let body = match document {
                Some(document) => answer(200, document.get().to_owned()),
                None => answer(503, r#"{"kind":"Status","message":"service unavailable"}"#),
            };
            with(body, "content-type", "application/json")
        }
    })
    .await
}

#[tokio::test]
async fn legacy_documents_say_the_same() {
    let server = legacy_server("/apis/metrics.example.com/v1beta1").await;
    let discovery = Discovery::fetch(&server.client().await)
        .await
        .expect("discovery");
    assert_eq!(table(&discovery), table(&recorded()));
    let failures: Vec<_> = discovery
        .failures()
        .map(|f| format!("{}: {}", f.group_version, f.reason))
        .collect();
    let reason = "the server answered 503 Service Unavailable: service unavailable";
    let path = "/apis/metrics.example.com/v1beta1";
    assert_eq!(
        failures,
        [format!("metrics.example.com/v1beta1: {path}: {reason}")]
    );
}

#[tokio::test]
async fn one_broken_group_version_harms_no_other() {
    let server = legacy_server("/apis/apps/v1").await;
    let discovery = Discovery::fetch(&server.client().await)
        .await
        .expect("discovery");
    assert_eq!(resolved(&discovery, "cronjobs"), "cronjobs.v1.batch");
    assert!(
        resolved(&discovery, "deployments").contains("apps/v1"),
        "the error names what could not be read"
    );
}

#[tokio::test]
async fn unchanged_documents_are_not_sent_again() {
    let version = Arc::new(AtomicUsize::new(1));
    let current = Arc::clone(&version);
    let server = Server::start(move |request: Request<_>| {
        let tag = format!("\"{}\"", current.load(Ordering::SeqCst));
        async move { tagged(&request, &tag) }
    })
    .await;
    let client = server.client().await;
    let first = Discovery::fetch(&client).await.expect("discovery");
    assert!(first.refresh(&client).await.expect("discovery").is_none());
    version.store(2, Ordering::SeqCst);
    assert!(
        first.refresh(&client).await.expect("discovery").is_some(),
        "CRDs came"
    );
    assert_eq!(server.requests(), 6);
}

fn tagged(request: &Request<hyper::body::Incoming>, tag: &str) -> Response<Streamed> {
    if request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|seen| seen == tag)
    {
        return answer(304, "");
    }
    let empty = &br#"{"kind":"APIGroupDiscoveryList","items":[]}"#[..];
    let document = match request.uri().path() {
        "/api" => CORE,
        _ if tag == "\"1\"" => empty,
        _ => NAMED,
    };
    with(
        with(answer(200, document), "content-type", AGGREGATED),
        "etag",
        tag,
    )
}

#[tokio::test]
async fn lies_about_the_content_type_are_errors() {
    for (claimed, body, expect) in [
        (
            AGGREGATED,
            &br#"{"kind":"APIVersions"}"#[..],
            "is of kind \"APIVersions\"",
        ),
        (
            "application/json",
            CORE,
            "is of kind \"APIGroupDiscoveryList\"",
        ),
        ("text/html", b"<html>", "is of type \"text/html\", not JSON"),
        (AGGREGATED, b"<html>", "not the JSON expected"),
    ] {
        let server =
            Server::start(move |_| async move { with(answer(200, body), "content-type", claimed) })
                .await;
        let error = Discovery::fetch(&server.client().await)
            .await
            .expect_err(claimed)
            .to_string();
        assert!(error.contains(expect), "{error}");
    }
    let server = Server::start(async |_| answer(403, r#"{"message":"forbidden: nobody"}"#)).await;
    let error = Discovery::fetch(&server.client().await)
        .await
        .expect_err("forbidden")
        .to_string();
    assert!(
        error.ends_with(": the server answered 403 Forbidden: forbidden: nobody"),
        "{error}"
    );
}
