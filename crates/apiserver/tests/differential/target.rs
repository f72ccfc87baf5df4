//! A server that sequences are sent to: its address, its CA and its admin's token. Starts the two that there are.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tidegate_testcluster::{Cluster, Options};

/// Any HTTPS server that speaks Kubernetes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// `https://127.0.0.1:6443`.
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    pub(crate) token: String,
}

impl Target {
    /// Reads the first cluster and the first user of a kubeconfig.
    pub(crate) fn from_kubeconfig(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let config: Value = serde_saphyr::from_str(&text).expect("a kubeconfig is YAML");
        let string = |pointer: &str| {
            let value = config.pointer(pointer).and_then(Value::as_str);
            value.map(str::to_owned)
        };
        let ca_pem = match string("/clusters/0/cluster/certificate-authority-data") {
            Some(data) => {
                let bytes = STANDARD.decode(data).expect("base64");
                String::from_utf8(bytes).expect("PEM is ASCII")
            }
            None => {
                let file = string("/clusters/0/cluster/certificate-authority").expect("a CA");
                let place = path.parent().unwrap_or(Path::new(".")).join(file);
                fs::read_to_string(place).expect("the CA's file")
            }
        };
        Self {
            url: string("/clusters/0/cluster/server").expect("a server"),
            ca_pem,
            token: string("/users/0/user/token").expect("a token"),
        }
    }

    /// `127.0.0.1:6443`.
    pub(crate) fn authority(&self) -> &str {
        self.url
            .trim_start_matches("https://")
            .trim_end_matches('/')
    }
}

/// The real kube-apiserver, in a cluster of its own.
#[derive(Debug)]
pub(crate) struct Real {
    cluster: Cluster,
    target: Target,
}

impl Real {
    pub(crate) async fn start(controller_manager: bool) -> Self {
        let options = Options {
            controller_manager,
            ..Options::default()
        };
        let cluster = Cluster::start_with(options).await.expect("a cluster");
        let target = Target::from_kubeconfig(cluster.kubeconfig());
        Self { cluster, target }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await;
    }
}

/// The server under test, in this process.
#[derive(Debug)]
pub(crate) struct Embedded {
    _server: tidegate_apiserver::test::Server,
    target: Target,
}

impl Embedded {
    pub(crate) async fn start(controllers: bool) -> Self {
        let options = tidegate_apiserver::Options {
            controllers,
            ..Default::default()
        };
        let server = tidegate_apiserver::test::start_with(options)
            .await
            .expect("a server");
        let target = Target {
            url: server.url().to_owned(),
            ca_pem: server.ca_pem().to_owned(),
            token: server.token().to_owned(),
        };
        Self {
            _server: server,
            target,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

/// The answer's headers, by lower-case name.
pub(crate) type Headers = BTreeMap<String, Vec<String>>;
