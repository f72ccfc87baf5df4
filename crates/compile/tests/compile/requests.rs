//! Requests through a snapshot: which rule takes one, and where it leads.

use std::{collections::BTreeSet, net::SocketAddr};

use tidegate_routing::{Action, BackendChoice, HeaderLookup, RequestView, Snapshot};

/// Headers of a make-believe request.
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl HeaderLookup for Headers {
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]> {
        let of_name = self
            .0
            .iter()
            .filter(|(one, _)| one.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_bytes()).nth(nth)
    }
}

/// Where a request would go: names of Services, a redirect's status, or the status of a refusal.
pub(crate) fn send(
    snapshot: &Snapshot,
    address: SocketAddr,
    method: &str,
    host: &str,
    target: &str,
    headers: &Headers,
) -> String {
    let Some(bind) = snapshot.binds.get(&address) else {
        return "refused".to_owned();
    };
    let host = host
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let Some(listener) = bind.listener(Some(&host)) else {
        return "404".to_owned();
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let view = RequestView {
        host: &host,
        path,
        query,
        method,
        headers,
    };
    let Some(found) = listener.routes.find(&view) else {
        return "404".to_owned();
    };
    match &found.rule.action {
        Action::Redirect(redirect) => format!("redirect {}", redirect.status),
        Action::Fail { status, .. } => status.to_string(),
        Action::Forward(backends) => {
            let all: BTreeSet<String> = backends
                .iter()
                .filter(|one| one.weight > 0)
                .map(|one| match &one.choice {
                    BackendChoice::Cluster(key) => match snapshot.clusters.get(&key.0) {
                        Some(cluster) => match &cluster.refused {
                            Some((status, _)) => status.to_string(),
                            None if cluster.endpoints.is_empty() => "503".to_owned(),
                            None => service(&key.0),
                        },
                        None => panic!("cluster {key:?} is not in the snapshot"),
                    },
                    BackendChoice::Invalid { status, .. } => status.to_string(),
                })
                .collect();
            all.into_iter().collect::<Vec<_>>().join("+")
        }
    }
}

/// `namespace/name:port@gateway` is `name`, with the namespace where it's another than the usual.
fn service(key: &str) -> String {
    let bare = key.split(['@', ':']).next().unwrap_or_default();
    match bare.split_once('/') {
        Some((crate::lab::INFRA, name)) => name.to_owned(),
        Some((namespace, name)) => format!("{name}@{namespace}"),
        None => key.to_owned(),
    }
}
