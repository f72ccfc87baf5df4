//! Which servers are reached without the environment's proxy.
//!
//! kube takes `HTTPS_PROXY` for every kubeconfig and does not look at `NO_PROXY` for the server, so
//! this does, as Go's clients do. A `proxy-url` written in the kubeconfig always holds.

use std::{env, net::IpAddr};

use http::Uri;

/// The proxy to use: none if it only came from the environment and the server is exempt from it.
pub(crate) fn applied(proxy: Option<Uri>, server: &Uri) -> Option<Uri> {
    let from_environment = ["HTTPS_PROXY", "https_proxy"]
        .into_iter()
        .filter_map(|name| env::var(name).ok()?.parse::<Uri>().ok())
        .any(|uri| Some(&uri) == proxy.as_ref());
    let list = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find_map(|name| env::var(name).ok())
        .unwrap_or_default();
    proxy.filter(|_| !from_environment || !exempt(server, &list))
}

/// Whether the server is this machine, or named by a `NO_PROXY` list: `*`, hosts, domains,
/// addresses and address ranges, each perhaps with a port. Plain http never matches `HTTPS_PROXY`.
fn exempt(server: &Uri, list: &str) -> bool {
    let host = host(server);
    let address = host.parse::<IpAddr>().ok();
    if server.scheme_str() != Some("https") || is_loopback(server) {
        return true;
    }
    let port = server.port_u16().unwrap_or(443);
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let (name, wanted) = match entry.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') => (name, digits.parse().ok()),
                _ => (entry, None),
            };
            wanted.is_none_or(|wanted: u16| wanted == port) && matches_name(host, address, name)
        })
}

/// Whether the server's host is this machine, by name or address.
pub(crate) fn is_loopback(server: &Uri) -> bool {
    let host = host(server);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn host(server: &Uri) -> &str {
    server.host().unwrap_or_default().trim_matches(['[', ']'])
}

fn matches_name(host: &str, address: Option<IpAddr>, name: &str) -> bool {
    if name == "*" {
        return true;
    }
    if let Some(address) = address {
        return match name.split_once('/') {
            Some((network, bits)) => in_network(address, network, bits),
            None => name.trim_matches(['[', ']']).parse() == Ok(address),
        };
    }
    let (host, name) = (host.to_ascii_lowercase(), name.to_ascii_lowercase());
    match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
        Some(domain) => host.ends_with(&format!(".{domain}")),
        None => host == name || host.ends_with(&format!(".{name}")),
    }
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let (left, right, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (left ^ right).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::exempt;

    #[track_caller]
    fn check(server: &str, list: &str, expect: bool) {
        assert_eq!(
            exempt(&server.parse().expect("a URL"), list),
            expect,
            "{server} against {list:?}"
        );
    }

    #[test]
    fn lists_as_go_reads_them() {
        check("https://127.0.0.1:6443", "", true);
        check("https://[::1]:6443", "", true);
        check("https://localhost", "", true);
        check("http://api.example.com", "", true);
        check("https://api.example.com", "", false);
        check("https://api.example.com", "*", true);
        check("https://api.example.com", "other, example.com", true);
        check("https://api.example.com", ".example.com", true);
        check("https://example.com", ".example.com", false);
        check("https://badexample.com", "example.com", false);
        check("https://api.example.com:6443", "example.com:6443", true);
        check("https://api.example.com:6443", "example.com:443", false);
        check("https://10.1.2.3", "10.1.0.0/16", true);
        check("https://10.2.2.3", "10.1.0.0/16", false);
        check("https://10.2.2.3", "0.0.0.0/0", true);
        check("https://10.2.2.3", "10.2.2.3", true);
        check("https://10.2.2.3", "10.0.0.0/99", false);
        check("https://[fd00::1]", "fd00::/8", true);
    }
}
