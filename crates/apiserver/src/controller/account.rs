//! Every namespace has a service account `default` and a copy of the server's certificate authority.

use super::Settled;
use crate::cluster::Cluster;
use serde_json::json;

/// The service account of those who name none.
const ACCOUNT: &str = "default";
/// The config map with the authority.
const AUTHORITY: &str = "kube-root-ca.crt";

/// Makes both where they are missing.
pub(super) async fn ensure(cluster: &Cluster, namespace: &str) -> Settled {
    let account = json!({
        "kind": "ServiceAccount",
        "apiVersion": "v1",
        "metadata": { "name": ACCOUNT, "namespace": namespace },
    });
    let authority = json!({
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": AUTHORITY,
            "namespace": namespace,
            "annotations": {
                "kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
            },
        },
        "data": { "ca.crt": cluster.endpoint.ca_pem },
    });
    let made = [
        cluster
            .ensure(&format!("serviceaccounts/{namespace}/{ACCOUNT}"), account)
            .await,
        cluster
            .ensure(&format!("configmaps/{namespace}/{AUTHORITY}"), authority)
            .await,
    ];
    if made.iter().all(Result::is_ok) {
        Settled::Yes
    } else {
        Settled::Later
    }
}

/// One of the two may have been deleted: its namespace is looked at.
pub(super) fn look_again(cluster: &Cluster, key: &str) -> Settled {
    let mut parts = key.split('/');
    let (Some(_), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Settled::Yes;
    };
    if matches!(name, ACCOUNT | AUTHORITY) && cluster.store.head(key).is_none() {
        cluster.work.add(&format!("namespaces/{namespace}"));
    }
    Settled::Yes
}
