//! From a name and a URL to objects. Does no IO.

use super::ExposeArgs;
use crate::{failure::Failure, remote::api_version};
use serde_json::{Value, json};
use tidegate_compile::Kind;

/// What is applied, in this order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) objects: Vec<(Kind, Value)>,
    /// The Gateway that the route hangs on.
    pub(super) gateway: String,
    /// The path that clients ask for.
    pub(super) path: String,
}

/// The Gateway that is made where there is none, and where it listens: a port that needs no rights.
const GATEWAY: &str = "tidegate";
const CLASS: &str = "tidegate";
const PORT: u16 = 8080;

/// Where a service is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    secure: bool,
    host: String,
    port: u16,
    /// Without a slash at the end; empty for all of it.
    path: String,
}

impl Plan {
    pub(super) fn new(
        arguments: &ExposeArgs,
        namespace: &str,
        gateways: &[Value],
    ) -> Result<Self, Failure> {
        let place = place(&arguments.url).map_err(Failure::error)?;
        let path = format!("/{}", arguments.path.trim_matches('/'));
        let name = &arguments.name;
        let metadata = json!({ "name": name, "namespace": namespace });
        let mut objects = Vec::new();
        let gateway = match oldest(gateways) {
            Some(gateway) => gateway,
            None => {
                objects.push((Kind::Gateway, default_gateway(namespace)));
                GATEWAY.to_owned()
            }
        };
        let mut backend = json!({
            "apiVersion": api_version(Kind::Backend),
            "kind": Kind::Backend.name(),
            "metadata": metadata,
            "spec": { "endpoints": [{ "host": place.host, "port": place.port }] },
        });
        if place.secure {
            backend["spec"]["tls"] = json!({ "hostname": place.host });
            if place.host.parse::<std::net::IpAddr>().is_ok() {
                // A certificate for an address: the name is left to the gateway.
                backend["spec"]["tls"] = json!({});
            }
        }
        objects.push((Kind::Backend, backend));
        let mut rule = json!({
            "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
            "backendRefs": [{ "group": Kind::Backend.group(), "kind": Kind::Backend.name(), "name": name }],
        });
        if let Some(filter) = rewrite(&place, &path) {
            rule["filters"] = json!([filter]);
        }
        let mut spec = json!({ "parentRefs": [{ "name": gateway }], "rules": [rule] });
        if let Some(host) = &arguments.host {
            spec["hostnames"] = json!([host]);
        }
        objects.push((
            Kind::HttpRoute,
            json!({
                "apiVersion": api_version(Kind::HttpRoute),
                "kind": Kind::HttpRoute.name(),
                "metadata": metadata,
                "spec": spec,
            }),
        ));
        Ok(Self {
            objects,
            gateway,
            path,
        })
    }
}

/// What the service sees other than what the client asked for: its own host by name, and its own path.
fn rewrite(place: &Place, path: &str) -> Option<Value> {
    let by_name = place.host.parse::<std::net::IpAddr>().is_err() && place.host != "localhost";
    let mut change = json!({});
    if by_name {
        change["hostname"] = json!(place.host);
    }
    if !place.path.is_empty() && place.path != path {
        change["path"] = json!({ "type": "ReplacePrefixMatch", "replacePrefixMatch": place.path });
    }
    let any = change.as_object().is_some_and(|fields| !fields.is_empty());
    any.then(|| json!({ "type": "URLRewrite", "urlRewrite": change }))
}

fn oldest(gateways: &[Value]) -> Option<String> {
    let age = |one: &&Value| {
        let text = |field: &str| {
            one["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (text("creationTimestamp"), text("name"))
    };
    let found = gateways.iter().min_by_key(age)?;
    Some(found["metadata"]["name"].as_str()?.to_owned())
}

fn default_gateway(namespace: &str) -> Value {
    json!({
        "apiVersion": api_version(Kind::Gateway),
        "kind": Kind::Gateway.name(),
        "metadata": { "name": GATEWAY, "namespace": namespace },
        "spec": {
            "gatewayClassName": CLASS,
            "listeners": [{ "name": "http", "protocol": "HTTP", "port": PORT }],
        },
    })
}

fn place(url: &str) -> Result<Place, String> {
    let uri: http::Uri = url
        .parse()
        .map_err(|error| format!("{url} is no URL: {error}"))?;
    let secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(format!("{url} begins with neither http:// nor https://")),
    };
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err("the URL must not hold a user name or password".to_owned());
    }
    if uri.query().is_some() {
        return Err(format!("{url} has a query, which a route can't add"));
    }
    let port = crate::url::port(&uri)?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(format!("{url} has no host"));
    }
    Ok(Place {
        secure,
        host: host.to_ascii_lowercase(),
        port: port.unwrap_or(if secure { 443 } else { 80 }),
        path: uri.path().trim_end_matches('/').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Place, place};

    #[track_caller]
    fn check(url: &str, expected: Result<(bool, &str, u16, &str), &str>) {
        let expected = expected.map(|(secure, host, port, path)| Place {
            secure,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        });
        match (place(url), expected) {
            (Err(found), Err(words)) => assert!(found.contains(words), "{found}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned)),
        }
    }

    #[test]
    fn urls() {
        check("http://127.0.0.1:3000", Ok((false, "127.0.0.1", 3000, "")));
        check(
            "https://API.example.com/v1/",
            Ok((true, "api.example.com", 443, "/v1")),
        );
        check("http://[::1]:80/", Ok((false, "::1", 80, "")));
        check("127.0.0.1:3000", Err("neither"));
        check("ftp://x", Err("neither"));
        check("http://a:b@x", Err("password"));
        check("http://x/?a=b", Err("query"));
        check("http://", Err("http:// is no URL"));
        // The port that no port is was taken for that of the scheme.
        check("http://x:99999", Err("between 1 and 65535"));
        check("http://x:0", Err("between 1 and 65535"));
    }
}
