//! The requests of a scenario: which route each one asks for, and its bytes.

use std::io::Write as _;

/// Every route is a host and the beginning of a path: `hosts` × `paths` of them, as the runner configures them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Requests {
    /// Hosts are h00000.bench.test and on.
    #[arg(long, default_value_t = 1)]
    pub(crate) hosts: u64,
    /// Paths of each host are /p0/ and on.
    #[arg(long, default_value_t = 1)]
    pub(crate) paths: u64,
    /// Bytes that are asked for.
    #[arg(long, default_value_t = 1024)]
    pub(crate) size: usize,
    /// Bytes that are sent, by POST.
    #[arg(long, default_value_t = 0)]
    pub(crate) body: usize,
    /// A new connection for every request.
    #[arg(long)]
    pub(crate) connect: bool,
}

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) host: u64,
    path: u64,
}

impl Requests {
    /// The route of the `n`th request, spread over all of them.
    pub(crate) fn route(&self, n: u64) -> Route {
        let spread = scattered(n, self.hosts * self.paths);
        Route {
            host: spread / self.paths,
            path: spread % self.paths,
        }
    }

    /// The route of the `n`th request where the connection's name must be the host's.
    pub(crate) fn route_of_host(&self, n: u64, host: u64) -> Route {
        Route {
            host,
            path: n % self.paths,
        }
    }

    /// The host that a connection belongs to.
    pub(crate) fn host_of_connection(&self, connection: u64) -> u64 {
        scattered(connection, self.hosts)
    }

    /// Adds a request's bytes as HTTP/1.1.
    pub(crate) fn http1(&self, route: Route, out: &mut Vec<u8>) {
        let (method, close) = (
            if self.body > 0 { "POST" } else { "GET" },
            if self.connect {
                "connection: close\r\n"
            } else {
                ""
            },
        );
        let _ = write!(
            out,
            "{method} {} HTTP/1.1\r\nhost: {}\r\nuser-agent: proxy-bench/1\r\naccept: */*\r\n{close}",
            self.path(route),
            name(route.host)
        );
        if self.body > 0 {
            let _ = write!(
                out,
                "content-type: application/octet-stream\r\ncontent-length: {}\r\n",
                self.body
            );
        }
        out.extend_from_slice(b"\r\n");
        out.resize(out.len() + self.body, b'y');
    }

    /// Adds a request's header block as HPACK. The first block of a connection puts what repeats into the table.
    pub(crate) fn hpack(&self, route: Route, https: bool, first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0x82, if https { 0x87 } else { 0x86 }]);
        literal(0x01, &name(route.host), out);
        literal(0x04, &self.path(route), out);
        if first {
            literal(0x40 | 58, "proxy-bench/1", out);
            literal(0x40 | 19, "*/*", out);
        } else {
            out.extend_from_slice(&[0x80 | 63, 0x80 | 62]);
        }
    }

    fn path(&self, route: Route) -> String {
        format!("/p{}/{}", route.path, self.size)
    }
}

/// A header with a name from HPACK's static table; the value is shorter than 127 bytes.
fn literal(index: u8, value: &str, out: &mut Vec<u8>) {
    let length = u8::try_from(value.len()).unwrap_or(126).min(126);
    out.extend_from_slice(&[index, length]);
    out.extend_from_slice(&value.as_bytes()[..length.into()]);
}

/// The name of a host.
pub(crate) fn name(host: u64) -> String {
    format!("h{host:05}.bench.test")
}

/// Numbers below `count`, each as often as any other, in no visible order.
fn scattered(n: u64, count: u64) -> u64 {
    // A prime that divides no count in use, so that `count` numbers in a row differ.
    n.wrapping_mul(2_147_483_647) % count.max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Requests, Route, scattered};

    const REQUESTS: Requests = Requests {
        hosts: 1000,
        paths: 5,
        size: 1024,
        body: 0,
        connect: false,
    };

    #[test]
    fn every_route_gets_its_turn() {
        let seen: BTreeSet<u64> = (0..5000).map(|n| scattered(n, 5000)).collect();
        assert_eq!(seen.len(), 5000);
        assert!(seen.iter().all(|&route| route < 5000));
    }

    #[test]
    fn bytes_of_http1() {
        let mut out = Vec::new();
        let requests = Requests {
            body: 3,
            connect: true,
            ..REQUESTS
        };
        requests.http1(Route { host: 7, path: 2 }, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "POST /p2/1024 HTTP/1.1\r\nhost: h00007.bench.test\r\nuser-agent: proxy-bench/1\r\naccept: */*\r\n\
             connection: close\r\ncontent-type: application/octet-stream\r\ncontent-length: 3\r\n\r\nyyy"
        );
    }

    #[test]
    fn bytes_of_hpack() {
        let mut out = Vec::new();
        REQUESTS.hpack(Route { host: 7, path: 2 }, false, false, &mut out);
        let expected = b"\x82\x86\x01\x11h00007.bench.test\x04\x08/p2/1024\xbf\xbe";
        assert_eq!(out, expected);
    }
}
