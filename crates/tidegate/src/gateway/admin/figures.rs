//! The figures for Prometheus: informers', connections', the configuration's, and those of requests.

use std::fmt::Write as _;
use tidegate_informer::InformerFactory;
use tidegate_proxy::{Counters, Proxy};
use tidegate_routing::{Destination, Snapshot};

/// All of them, as text.
pub(super) fn render(
    proxy: Option<&Proxy>,
    informers: &InformerFactory,
    snapshot: Option<&Snapshot>,
) -> String {
    let mut text = informers.metrics().to_prometheus();
    let mut put = |name: &str, kind: &str, help: &str, value: u64| {
        // A string takes whatever is written to it.
        let _ = writeln!(
            text,
            "# HELP tidegate_{name} {help}\n# TYPE tidegate_{name} {kind}\ntidegate_{name} {value}"
        );
    };
    put(
        "snapshot_generation",
        "gauge",
        "The version of the configuration that all workers serve; 0 before the first, 1 or more from then on.",
        snapshot.map_or(0, |snapshot| snapshot.generation),
    );
    put(
        "snapshot_clusters",
        "gauge",
        "Groups of endpoints in the configuration.",
        snapshot.map_or(0, |snapshot| snapshot.clusters.len() as u64),
    );
    if let Some(proxy) = proxy {
        put_connections(proxy.counters(), &mut put);
        put_health(proxy, &mut text);
        put_names(proxy, &mut text);
        text.push_str(&proxy.metrics());
    }
    text
}

/// One series for each endpoint that is probed, as long as it is.
fn put_health(proxy: &Proxy, text: &mut String) {
    let counts = proxy.probe_counts();
    // A string takes whatever is written to it.
    let _ = writeln!(
        text,
        "# HELP tidegate_health_probes_total Probes of endpoints that have ended.\n\
        # TYPE tidegate_health_probes_total counter\n\
        tidegate_health_probes_total{{result=\"passed\"}} {}\n\
        tidegate_health_probes_total{{result=\"failed\"}} {}",
        counts.passed, counts.failed
    );
    let _ = writeln!(
        text,
        "# HELP tidegate_endpoint_healthy Whether an endpoint passes its probes.\n\
        # TYPE tidegate_endpoint_healthy gauge"
    );
    for one in proxy.endpoint_health() {
        let Some(healthy) = one.healthy else { continue };
        // No part can hold a quote or a backslash: names and addresses.
        let address = match &one.destination {
            Destination::Address(_) => String::new(),
            Destination::Name { .. } => format!(",address=\"{}\"", one.address),
        };
        let _ = writeln!(
            text,
            "tidegate_endpoint_healthy{{cluster=\"{}\",endpoint=\"{}\"{address}}} {}",
            one.cluster.0,
            one.destination,
            u8::from(healthy)
        );
    }
}

fn put_names(proxy: &Proxy, text: &mut String) {
    let names = proxy.names();
    let failing = names.iter().filter(|name| name.fault.is_some()).count();
    let _ = writeln!(
        text,
        "# HELP tidegate_names Names of endpoints, by how their last lookup went.\n\
        # TYPE tidegate_names gauge\n\
        tidegate_names{{result=\"found\"}} {}\n\
        tidegate_names{{result=\"failed\"}} {failing}",
        names.len() - failing
    );
}

fn put_connections(counters: &Counters, put: &mut impl FnMut(&str, &str, &str, u64)) {
    put(
        "connections_open",
        "gauge",
        "Connections of clients that are open.",
        counters.open() as u64,
    );
    put(
        "connections_accepted_total",
        "counter",
        "Connections of clients that were accepted.",
        counters.accepted(),
    );
    put(
        "connections_refused_total",
        "counter",
        "Connections of clients that were closed because there were too many.",
        counters.refused(),
    );
    put(
        "tls_handshakes_failed_total",
        "counter",
        "TLS handshakes with clients that failed.",
        counters.handshakes_failed(),
    );
    put(
        "proxy_headers_refused_total",
        "counter",
        "Connections of balancers without a PROXY header that can be believed.",
        counters.proxy_headers_refused(),
    );
    put(
        "upstream_connects_total",
        "counter",
        "Connections to endpoints that were begun.",
        counters.upstream_connects(),
    );
    put(
        "upstream_connect_failures_total",
        "counter",
        "Connections to endpoints that could not be made.",
        counters.upstream_connect_failures(),
    );
}
