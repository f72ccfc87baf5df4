//! What would become of a request: the question, read from a query string, and the snapshot's own explanation.
//!
//! Asks the same table that traffic is served from; nothing is sent anywhere.

use super::config;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};
use tidegate_http::{PathPolicy, normalize_path};
use tidegate_proxy::EndpointHealth;
use tidegate_routing::{Explanation, HeaderLookup, RequestView, RuleOutcome, Snapshot};

/// A request as it was asked about.
#[derive(Debug, Default)]
struct Question {
    secure: bool,
    host: String,
    port: u16,
    path: String,
    query: String,
    method: String,
    headers: Vec<(String, String)>,
    /// The local address, where the host's name doesn't say it.
    address: Option<IpAddr>,
}

/// Header fields as they were asked about.
struct Fields<'a>(&'a [(String, String)]);

impl HeaderLookup for Fields<'_> {
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]> {
        self.0.value(name, nth)
    }
}

/// Answers a query string: `url=…`, `method=…`, any number of `header=Name: value`, and `address=…`.
pub(super) fn answer(
    snapshot: &Snapshot,
    health: &[EndpointHealth],
    paths: PathPolicy,
    query: &str,
) -> Result<Value, String> {
    let question = ask(query, paths)?;
    let view = RequestView {
        host: &question.host,
        path: &question.path,
        query: &question.query,
        method: &question.method,
        headers: &Fields(&question.headers),
    };
    let sni = question.secure.then_some(&*question.host);
    let explanations: Vec<Explanation> = snapshot
        .explain(question.port, sni, &view)
        .into_iter()
        .filter(|one| question.may_reach(one))
        .collect();
    Ok(json!({
        "request": {
            "method": question.method,
            "scheme": if question.secure { "https" } else { "http" },
            "host": question.host,
            "port": question.port,
            "path": question.path,
            "query": question.query,
        },
        "generation": snapshot.generation,
        "clusters": clusters(snapshot, health, &explanations),
        "explanations": explanations,
    }))
}

/// The groups of endpoints that requests would go to.
fn clusters(
    snapshot: &Snapshot,
    health: &[EndpointHealth],
    explanations: &[Explanation],
) -> BTreeMap<String, Value> {
    let shares = explanations.iter().flat_map(|one| match &one.outcome {
        RuleOutcome::Forward(shares) => shares.as_slice(),
        RuleOutcome::Redirect { .. } | RuleOutcome::Answer { .. } => &[],
    });
    shares
        .filter_map(|share| {
            let name = share.cluster.as_deref()?;
            let cluster = snapshot.clusters.get(name)?;
            Some((name.to_owned(), config::cluster(cluster, health)))
        })
        .collect()
}

impl Question {
    /// Whether a connection for this request could arrive at that address.
    fn may_reach(&self, explanation: &Explanation) -> bool {
        let own: Option<IpAddr> = self.address.or_else(|| self.host.parse().ok());
        let there: Option<SocketAddr> = explanation.address.parse().ok();
        let reaches = match (own, there) {
            (Some(own), Some(there)) => own == there.ip() || there.ip().is_unspecified(),
            _ => true,
        };
        reaches && (explanation.protocol == "https") == self.secure
    }
}

fn ask(query: &str, paths: PathPolicy) -> Result<Question, String> {
    let mut question = Question {
        method: "GET".to_owned(),
        ..Question::default()
    };
    let mut url = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value)?;
        match name {
            "url" => url = Some(value),
            "method" => question.method = value,
            "address" => {
                let address = value
                    .parse()
                    .map_err(|_| format!("{value} is no address"))?;
                question.address = Some(address);
            }
            "header" => {
                let (name, value) = value
                    .split_once(':')
                    .ok_or_else(|| format!("a header is written as Name: value, not {value}"))?;
                let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
                question.headers.push((name, value));
            }
            _ => return Err(format!("there is no parameter {name}")),
        }
    }
    let url = url.ok_or("the parameter url is missing")?;
    question.read_url(&url, paths)?;
    Ok(question)
}

impl Question {
    fn read_url(&mut self, url: &str, paths: PathPolicy) -> Result<(), String> {
        let uri: http::Uri = url
            .parse()
            .map_err(|error| format!("{url} is no URL: {error}"))?;
        self.secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("{url} begins with neither http:// nor https://")),
        };
        let written = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, value)| value.clone());
        let port = crate::url::port(&uri)?;
        let host = uri.host().unwrap_or_default().to_owned();
        self.port = port.unwrap_or(if self.secure { 443 } else { 80 });
        if written.is_some() {
            self.address = self.address.or_else(|| host.parse().ok());
        }
        let host = written.unwrap_or(host);
        let host = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                name
            } else {
                &host
            }
        });
        self.host = host.trim_end_matches('.').to_ascii_lowercase();
        let path = uri.path();
        let path = if path.is_empty() { "/" } else { path };
        self.path = normalize_path(path.as_bytes(), paths)
            .map_err(|error| format!("the path would be refused: {error}"))?
            .into_owned();
        self.query = uri.query().unwrap_or_default().to_owned();
        Ok(())
    }
}

/// A value of a query string.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                    return Err(format!("{text} has a % without two digits"));
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{text} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::ask;
    use tidegate_http::{EscapedSlashes, PathPolicy, Slashes};

    /// What is understood of a query string: `scheme host port path query method headers address`.
    #[track_caller]
    fn check(query: &str, expected: &str) {
        let found = match ask(query, PathPolicy::default()) {
            Ok(one) => format!(
                "{} {} {} {} {:?} {} {:?} {:?}",
                if one.secure { "https" } else { "http" },
                one.host,
                one.port,
                one.path,
                one.query,
                one.method,
                one.headers,
                one.address
            ),
            Err(why) => why,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn questions() {
        check(
            "url=http://Shop.example:8080/a/../b%3Fx=1",
            "http shop.example 8080 /b \"x=1\" GET [] None",
        );
        check(
            "url=https%3A%2F%2Fa&method=POST",
            "https a 443 / \"\" POST [] None",
        );
        check(
            "url=http://127.0.0.1/&header=host:+shop.example:80&header=x:+1",
            "http shop.example 80 / \"\" GET [(\"host\", \"shop.example:80\"), (\"x\", \"1\")] Some(127.0.0.1)",
        );
        check("", "the parameter url is missing");
        check(
            "url=ftp://x",
            "ftp://x begins with neither http:// nor https://",
        );
        check(
            "url=http://x&header=y",
            "a header is written as Name: value, not y",
        );
        check("url=http://", "http:// is no URL: empty string");
        check(
            "url=http://x:99999/",
            "http://x:99999/ has a port that is not between 1 and 65535",
        );
        check("url=http://x%2", "http://x%2 has a % without two digits");
        check("what=1", "there is no parameter what");
    }

    #[test]
    fn paths_are_those_that_the_gateway_takes() {
        let kept = PathPolicy {
            slashes: Slashes::Keep,
            escaped_slashes: EscapedSlashes::Keep,
        };
        for (path, by_default, with_all_kept) in [
            ("/a//b", Some("/a/b"), Some("/a//b")),
            ("/a%252fb", None, Some("/a%2Fb")),
            ("/a%252f..%252fb", None, None),
        ] {
            let query = format!("url=http://x{path}");
            for (paths, expected) in [(PathPolicy::default(), by_default), (kept, with_all_kept)] {
                let found = ask(&query, paths).map(|question| question.path);
                assert_eq!(found.ok().as_deref(), expected, "{path}");
            }
        }
    }
}
