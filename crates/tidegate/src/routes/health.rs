//! How the endpoints of each rule do, as a gateway's admin listener tells it. Does no IO.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Endpoints that fail and are named, of one rule.
const NAMED_MAX: usize = 8;

/// What a gateway serves: the groups of endpoints that each rule leads to, by listener and rule.
#[derive(Debug, Default)]
pub(super) struct Health<'a> {
    /// `KIND NAMESPACE/NAME` of the route and the rule's place in it; then `KIND NAMESPACE/NAME SECTION` of the listener.
    rules: BTreeMap<(&'a str, u64), BTreeMap<&'a str, BTreeSet<&'a str>>>,
    clusters: BTreeMap<&'a str, &'a Value>,
}

/// The endpoints of one rule.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// How many are well, in a few words.
    pub(super) summary: String,
    /// Which are not, and why: a line for each.
    pub(super) faults: Vec<String>,
}

impl<'a> Health<'a> {
    /// Reads what the admin listener says at `/config`. What isn't there is left out.
    pub(super) fn read(config: &'a Value) -> Self {
        let mut health = Self::default();
        for (name, cluster) in config["clusters"].as_object().into_iter().flatten() {
            health.clusters.insert(name, cluster);
        }
        let listeners = items(&config["binds"])
            .iter()
            .flat_map(|bind| items(&bind["listeners"]));
        for listener in listeners {
            let name = listener["name"].as_str().unwrap_or_default();
            for rule in items(&listener["rules"]) {
                let (Some(route), Some(index)) = (rule["route"].as_str(), rule["rule"].as_u64())
                else {
                    continue;
                };
                let led_to = items(&rule["to"])
                    .iter()
                    .filter_map(|one| one["cluster"].as_str());
                let by_listener = health.rules.entry((route, index)).or_default();
                by_listener.entry(name).or_default().extend(led_to);
            }
        }
        health
    }

    /// The endpoints that a rule of a route leads to where it hangs on a parent (`KIND NAMESPACE/NAME`), or on one section
    /// of it. `None` where it isn't served or leads nowhere.
    pub(super) fn of(
        &self,
        route: &str,
        rule: u64,
        parent: &str,
        section: Option<&str>,
    ) -> Option<Endpoints> {
        let listeners = self.rules.get(&(route, rule))?;
        let is_parent = |listener: &str| {
            listener.rsplit_once(' ').is_some_and(|(owner, name)| {
                owner == parent && section.is_none_or(|section| section == name)
            })
        };
        let clusters: BTreeSet<&str> = listeners
            .iter()
            .filter(|(listener, _)| is_parent(listener))
            .flat_map(|(_, clusters)| clusters.iter().copied())
            .collect();
        (!clusters.is_empty()).then(|| self.sum(&clusters))
    }

    fn sum(&self, clusters: &BTreeSet<&str>) -> Endpoints {
        let (mut well, mut unprobed) = (0, 0);
        let mut faults = Vec::new();
        let mut refusals = Vec::new();
        for name in clusters {
            let Some(cluster) = self.clusters.get(name) else {
                continue;
            };
            if let Some(reason) = cluster["refused"]["reason"].as_str() {
                refusals.push(format!(
                    "{name} answers {}: {reason}",
                    cluster["refused"]["status"]
                ));
            }
            for endpoint in items(&cluster["endpoints"]) {
                match endpoint["healthy"].as_bool() {
                    // It gets no new requests, whatever its health.
                    _ if endpoint["draining"] == true => {}
                    Some(true) => well += 1,
                    Some(false) => faults.push(fault(name, endpoint)),
                    None => unprobed += 1,
                }
            }
        }
        let probed = well + faults.len();
        let summary = match (probed, unprobed) {
            (0, 0) => "none".to_owned(),
            (0, _) => format!("{unprobed} not probed"),
            (_, 0) => format!("{well}/{probed} healthy"),
            (_, _) => format!("{well}/{probed} healthy, {unprobed} not probed"),
        };
        let unnamed = faults.len().saturating_sub(NAMED_MAX);
        faults.truncate(NAMED_MAX);
        if unnamed > 0 {
            faults.push(format!("and {unnamed} more"));
        }
        refusals.append(&mut faults);
        Endpoints {
            summary,
            faults: refusals,
        }
    }
}

/// What is said of an endpoint that fails.
fn fault(cluster: &str, endpoint: &Value) -> String {
    let address = endpoint["address"].as_str().unwrap_or_default();
    let fault = endpoint["fault"].as_str().unwrap_or("its probes fail");
    format!("{address} of {cluster}: {fault}")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::Health;
    use serde_json::{Value, json};

    /// Endpoints as `+`, `-`, `?` for healthy, failing, not probed; `~` for draining.
    fn cluster(endpoints: &str) -> Value {
        let endpoints = endpoints.char_indices().map(|(at, mark)| {
            json!({
                "address": format!("10.0.0.{at}:80"),
                "draining": mark == '~',
                "healthy": match mark { '+' => json!(true), '-' => json!(false), _ => Value::Null },
                "fault": if mark == '-' { json!("connection refused") } else { Value::Null },
            })
        });
        json!({ "endpoints": endpoints.collect::<Vec<_>>(), "refused": null })
    }

    /// What is said of a rule that leads to these clusters.
    #[track_caller]
    fn check(clusters: &[&str], summary: &str, faults: &[&str]) {
        let named = clusters.iter().enumerate();
        let named = named.map(|(at, endpoints)| (format!("c{at}"), cluster(endpoints)));
        let named: serde_json::Map<String, Value> = named.collect();
        let to: Vec<Value> = named
            .keys()
            .map(|name| json!({ "cluster": name }))
            .collect();
        let config = json!({
            "clusters": named,
            "binds": [{ "listeners": [{
                "name": "Gateway a/web http",
                "rules": [{ "route": "HTTPRoute a/r", "rule": 1, "to": to }],
            }] }],
        });
        let health = Health::read(&config);
        let found = health.of("HTTPRoute a/r", 1, "Gateway a/web", None);
        let found = found.expect("it is served");
        assert_eq!(
            (found.summary.as_str(), found.faults),
            (
                summary,
                faults.iter().map(|one| (*one).to_owned()).collect()
            )
        );
        for (route, rule, parent, section) in [
            ("HTTPRoute a/s", 1, "Gateway a/web", None),
            ("HTTPRoute a/r", 0, "Gateway a/web", None),
            ("HTTPRoute a/r", 1, "Gateway a/we", None),
            ("HTTPRoute a/r", 1, "Gateway a/web", Some("https")),
        ] {
            assert_eq!(health.of(route, rule, parent, section), None);
        }
        let section = health.of("HTTPRoute a/r", 1, "Gateway a/web", Some("http"));
        assert_eq!(section.map(|one| one.summary).as_deref(), Some(summary));
    }

    #[test]
    fn endpoints_are_summed_up() {
        check(&["++"], "2/2 healthy", &[]);
        check(&["??", "?~"], "3 not probed", &[]);
        check(&["~"], "none", &[]);
        check(&[""], "none", &[]);
        check(
            &["+-", "-?"],
            "1/3 healthy, 1 not probed",
            &[
                "10.0.0.1:80 of c0: connection refused",
                "10.0.0.0:80 of c1: connection refused",
            ],
        );
    }

    #[test]
    fn few_faults_are_named() {
        let config = json!({
            "clusters": {
                "many": cluster(&"-".repeat(20)),
                "bad": { "endpoints": [], "refused": { "status": 500, "reason": "no authority" } },
            },
            "binds": [{ "listeners": [{ "name": "Gateway a/web http", "rules": [{
                "route": "r", "rule": 0, "to": [{ "cluster": "many" }, { "cluster": "bad" }],
            }] }] }],
        });
        let found = Health::read(&config).of("r", 0, "Gateway a/web", None);
        let found = found.expect("it is served");
        assert_eq!(found.summary, "0/20 healthy");
        assert_eq!(found.faults.len(), 10);
        assert_eq!(found.faults[0], "bad answers 500: no authority");
        assert_eq!(found.faults[9], "and 12 more");
    }
}
