//! What is served, as JSON: listeners with their routes, and groups of endpoints. No key and no certificate is in it.

use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};
use tidegate_proxy::{EndpointHealth, NameReport};
use tidegate_routing::{
    Action, BackendChoice, Bind, BindProtocol, Cluster, Host, Listener, PathMatch, Rule, Snapshot,
};

/// All of it, with how the endpoints do that are probed, and where names lead: `health` is in the order of clusters, then
/// of endpoints.
pub(super) fn render(
    snapshot: &Snapshot,
    health: &[EndpointHealth],
    names: &[NameReport],
) -> Value {
    let binds: Vec<Value> = snapshot.binds.values().map(|one| bind(one)).collect();
    let mut clusters: BTreeMap<&str, Value> = BTreeMap::new();
    for one in snapshot.clusters.iter() {
        clusters.insert(one.key.0.as_ref(), cluster(one, health));
    }
    let names: BTreeMap<&str, Value> = names.iter().map(|one| (&*one.name, name(one))).collect();
    json!({
        "generation": snapshot.generation,
        "binds": binds,
        "clusters": clusters,
        "names": names,
    })
}

fn bind(bind: &Bind) -> Value {
    let listeners: Vec<Value> = bind.listeners.values().map(|one| listener(one)).collect();
    json!({
        "address": bind.address.to_string(),
        "protocol": match bind.protocol {
            BindProtocol::Http => "HTTP",
            BindProtocol::Https => "HTTPS",
        },
        "listeners": listeners,
    })
}

fn listener(listener: &Listener) -> Value {
    let mut rules: Vec<(String, Value)> = listener
        .routes
        .attachments()
        .map(|one| {
            let route = rule_name(&one.rule);
            let place = format!(
                "{route} {:06} {:06} {}",
                one.rule.index,
                one.entry,
                Shown(&one.host)
            );
            let value = json!({
                "route": route,
                "rule": one.rule.index,
                "host": Shown(&one.host).to_string(),
                "path": path(&one.when.path),
                "method": one.when.method.as_deref(),
                "headers": one.when.headers.len(),
                "query": one.when.query.len(),
                "to": action(&one.rule.action),
            });
            (place, value)
        })
        .collect();
    rules.sort_by(|one, other| one.0.cmp(&other.0));
    let rules: Vec<Value> = rules.into_iter().map(|(_, value)| value).collect();
    json!({
        "name": listener_name(listener),
        "host": Shown(&listener.host).to_string(),
        "tls": listener.tls.is_some(),
        "rules": rules,
    })
}

/// `Gateway namespace/name section`
fn listener_name(listener: &Listener) -> String {
    let key = &listener.key;
    format!(
        "{} {}/{} {}",
        key.kind, key.namespace, key.name, key.section
    )
}

/// `HTTPRoute namespace/name`
fn rule_name(rule: &Rule) -> String {
    let route = &rule.route;
    format!("{} {}/{}", route.kind, route.namespace, route.name)
}

fn path(path: &PathMatch) -> String {
    match path {
        PathMatch::Exact(path) => format!("= {path}"),
        PathMatch::Prefix(path) => format!("{path}/*"),
        PathMatch::Regex(pattern) => format!("~ {pattern}"),
    }
}

/// Where a rule leads.
fn action(action: &Action) -> Value {
    match action {
        Action::Forward(backends) => Value::Array(
            backends
                .iter()
                .map(|one| match &one.choice {
                    BackendChoice::Cluster(key) => {
                        json!({ "weight": one.weight, "cluster": *key.0 })
                    }
                    BackendChoice::Invalid { status, reason } => {
                        json!({ "weight": one.weight, "status": status, "reason": **reason })
                    }
                })
                .collect(),
        ),
        Action::Redirect(redirect) => json!({ "redirect": redirect.status }),
        Action::Fail { status, reason } => json!({ "status": status, "reason": **reason }),
    }
}

/// A group of endpoints.
pub(super) fn cluster(cluster: &Cluster, health: &[EndpointHealth]) -> Value {
    let endpoints: Vec<Value> = cluster
        .endpoints
        .iter()
        .map(|one| {
            let wanted = (&cluster.key, &one.destination);
            let key = |probed: &EndpointHealth| (&probed.cluster, &probed.destination).cmp(&wanted);
            // A name has one for each of its addresses.
            let from = health.partition_point(|probed| key(probed).is_lt());
            let probed = health[from..]
                .iter()
                .take_while(|probed| key(probed).is_eq());
            let verdicts = probed.clone().filter_map(|probed| probed.healthy);
            json!({
                "address": one.destination.to_string(),
                "weight": one.weight,
                "draining": one.draining,
                // Null where it is not probed, or was not yet; true where one of a name's addresses is.
                "healthy": verdicts.reduce(|one, other| one || other),
                "fault": probed.filter_map(|probed| probed.fault.as_deref()).next(),
            })
        })
        .collect();
    let refused = cluster
        .refused
        .as_ref()
        .map(|(status, reason)| json!({ "status": status, "reason": **reason }));
    json!({
        "endpoints": endpoints,
        "tls": cluster.tls.is_some(),
        // Each endpoint may have chosen another one of these.
        "speaks": cluster.offer().to_string(),
        "hedgedAfterMs": cluster.hedging.map(|hedging| hedging.delay.as_millis()),
        "refused": refused,
    })
}

/// Where a name leads.
fn name(name: &NameReport) -> Value {
    let addresses: Vec<String> = name.addresses.iter().map(ToString::to_string).collect();
    json!({ "addresses": addresses, "fault": name.fault.as_deref() })
}

/// A hostname as a listener or route writes it.
struct Shown<'a>(&'a Host);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Host::Exact(host) => f.write_str(host),
            Host::Suffix(host) => write!(f, "*.{host}"),
            Host::Any => f.write_str("*"),
        }
    }
}
