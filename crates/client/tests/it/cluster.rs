//! Every way to log in, and discovery, against a real kube-apiserver.

use std::{sync::Arc, time::Duration};

use http::Request;
use tidegate_client::{Client, ClientOptions, Discovery, Purpose, Response, Source};
use tidegate_testcluster::{Cluster, User};

use crate::{
    credentials::{Folder, from_file, kubeconfig, plugin},
    server::{Server, answer, with},
};

pub(crate) const JSON: &str = "application/json";

pub(crate) async fn cluster() -> &'static Cluster {
    Cluster::shared()
        .await
        .unwrap_or_else(|error| panic!("no cluster: {error}"))
}

pub(crate) async fn client(source: Source) -> Client {
    Client::connect(source, ClientOptions::default())
        .await
        .expect("a client")
}

/// Reads on until the text appears; gives all that was read.
pub(crate) async fn read_until(response: &mut Response, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let chunk = response.chunk().await.expect("more").expect("no error");
            text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or_else(|_| panic!("{wanted:?} did not come"));
    text
}

/// Who the server thinks we are; empty if it does not.
async fn whoami(client: &Client) -> String {
    let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    let request = Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .header("content-type", JSON)
        .header("accept", JSON)
        .body(body.into())
        .expect("a request");
    let response = client.send(request).await.expect("an answer");
    let bytes = response.bytes(100_000).await.expect("bytes");
    let review: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    review
        .pointer("/status/userInfo/username")
        .and_then(|name| name.as_str())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn tokens_token_files_certificates_and_plugins() {
    let cluster = cluster().await;
    for (user, name) in [
        (User::Admin, "admin"),
        (User::AdminCert, "admin"),
        (User::Rotating, "rotating"),
    ] {
        assert_eq!(
            whoami(&client(from_file(cluster.kubeconfig_of(user))).await).await,
            name
        );
    }
    let folder = Folder::new();
    let token = cluster.token_of(User::Viewer).expect("a token");
    let script = folder.script(
        "plugin",
        &format!(
            "echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
             \"status\":{{\"token\":\"{token}\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\"}}}}'"
        ),
    );
    let ca = folder.write("ca.crt", cluster.ca_pem());
    let trusted = format!(
        "{{server: '{}', certificate-authority: {}}}",
        cluster.server(),
        ca.display()
    );
    let file = folder.write("config", &kubeconfig(&trusted, &plugin(&script)));
    assert_eq!(whoami(&client(from_file(&file)).await).await, "viewer");
}

#[tokio::test]
async fn tls_names_and_trust_are_checked() {
    let cluster = cluster().await;
    let folder = Folder::new();
    let ca = folder.write("ca.crt", cluster.ca_pem());
    let (server, ca) = (cluster.server(), ca.display());
    for (settings, trusted) in [
        (
            format!("{{server: '{server}', insecure-skip-tls-verify: true}}"),
            true,
        ),
        (
            format!(
                "{{server: '{server}', certificate-authority: {ca}, tls-server-name: kubernetes}}"
            ),
            true,
        ),
        (
            format!(
                "{{server: '{server}', certificate-authority: {ca}, tls-server-name: other.example}}"
            ),
            false,
        ),
        (format!("{{server: '{server}'}}"), false),
    ] {
        let user = format!("{{token: {}}}", cluster.token());
        let file = folder.write("config", &kubeconfig(&settings, &user));
        let answered = client(from_file(&file))
            .await
            .get("/version", JSON, Purpose::Call)
            .await;
        match answered {
            Ok(response) => assert!(trusted && response.status == 200, "{settings}"),
            Err(error) => {
                assert!(
                    !trusted && matches!(error, tidegate_client::ClientError::Tls { .. }),
                    "{settings}: {error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_expired_certificate_is_replaced() {
    let cluster = cluster().await;
    let groups = ["system:masters"];
    let minted = cluster
        .mint_cert("passing", &groups, Duration::from_secs(8))
        .await
        .expect("a certificate");
    let client = client(from_file(&minted.kubeconfig)).await;
    assert_eq!(whoami(&client).await, "passing");
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_ne!(whoami(&client).await, "passing"); // refused, renewed, but the files are the same
    cluster
        .mint_cert("passing", &groups, Duration::from_secs(600))
        .await
        .expect("a certificate");
    tokio::time::sleep(Duration::from_secs(5)).await; // renewals are this far apart
    assert_eq!(whoami(&client).await, "passing");
    assert_eq!(client.generation(), 3);
}

#[tokio::test]
async fn a_list_and_its_following_watch() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("list").await.expect("a namespace");
    let client = client(from_file(cluster.kubeconfig())).await;
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    let list = client
        .get(&path, JSON, Purpose::List)
        .await
        .expect("a list")
        .bytes(1_000_000)
        .await
        .expect("bytes");
    let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version");
    let path = format!("{path}?watch=1&resourceVersion={version}");
    let mut watch = client
        .get(&path, JSON, Purpose::Watch)
        .await
        .expect("a watch");
    for name in ["one", "two"] {
        cluster
            .kubectl(&["-n", &namespace, "create", "configmap", name])
            .await
            .expect("a config map");
        let text = read_until(&mut watch, &format!("\"name\":\"{name}\"")).await;
        assert!(text.starts_with("{\"type\":\"ADDED\""), "{text}");
    }
}

/// Everything that matters in a discovery, in order.
fn table(discovery: &Discovery) -> Vec<String> {
    discovery
        .resources()
        .map(|resource| format!("{resource:?}"))
        .collect()
}

#[tokio::test]
async fn aggregated_and_legacy_discovery_are_alike() {
    let cluster = cluster().await;
    let client = client(from_file(cluster.kubeconfig())).await;
    let aggregated = Discovery::fetch(&client).await.expect("discovery");
    assert!(
        aggregated
            .refresh(&client)
            .await
            .expect("discovery")
            .is_none()
    );
    let inner = Arc::new(client);
    let legacy = Server::start(move |request: Request<_>| {
        let inner = Arc::clone(&inner);
        async move {
            let response = inner
                .get(request.uri().path(), JSON, Purpose::Call)
                .await
                .expect("an answer");
            let status = response.status.as_u16();
            let bytes = response.bytes(10_000_000).await.expect("bytes");
            with(answer(status, bytes), "content-type", JSON)
        }
    })
    .await;
    let legacy = Discovery::fetch(&legacy.client().await)
        .await
        .expect("discovery");
    assert!(table(&legacy).len() > 50);
    assert_eq!(table(&legacy), table(&aggregated));
    assert_eq!(legacy.failures().count(), 0);
}

#[tokio::test]
async fn words_mean_what_they_mean_to_kubectl() {
    let cluster = cluster().await;
    let discovery = Discovery::fetch(&client(from_file(cluster.kubeconfig())).await)
        .await
        .expect("discovery");
    let words = "po pod pods Pod svc deploy deployments.apps deployment.v1.apps Deployment hpa ev events.events.k8s.io \
                 all api-extensions pods.v1. deploy.app crd pc ing.networking nothing pods.foo csr";
    for word in words.split_whitespace() {
        let output = cluster
            .kubectl(&["get", word, "--all-namespaces", "--output=name", "--v=6"])
            .await;
        let (log, failed) = match output {
            Ok(output) => (output.stderr, false),
            Err(error) => (error.to_string(), true),
        };
        let asked: Vec<&str> = log
            .lines()
            .filter_map(|line| {
                line.split_once("url=\"https://")?
                    .1
                    .split_once('/')?
                    .1
                    .split_once("?limit=500")
            })
            .map(|(path, _)| path)
            .collect();
        match discovery.resolve(word) {
            Ok(found) => {
                let paths: Vec<String> = found
                    .iter()
                    .map(|resource| resource.path(None)[1..].to_owned())
                    .collect();
                assert_eq!(paths, asked, "{word}: {log}");
            }
            Err(error) => {
                let words = error.to_string();
                let words = words.split(';').next().unwrap_or_default();
                assert!(
                    failed && log.contains(words),
                    "{word}: {words:?} is not in {log}"
                );
            }
        }
    }
}
