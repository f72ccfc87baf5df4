//! From a name to its addresses: literal ones, the file of hosts, `localhost`, then DNS over the domains of the search.
//!
//! Every address is looked at: what may not be written into a `Backend` may not come in by DNS either.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::AtomicUsize,
    time::Duration,
};

use tidegate_routing::is_local;

use super::{
    NameOptions,
    ask::{Answers, AskError, ask_both},
    files::Files,
    message::{ADDRESSES_MAX, Reply},
};

/// When a name that no server was asked for is looked at again.
const HOSTS_TTL: Duration = Duration::from_secs(10);

/// What became of a lookup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Addresses {
        addresses: Vec<IpAddr>,
        ttl: Duration,
        /// Nothing could be learned of the other family.
        partly: bool,
    },
    /// There is none that may be used, for certain.
    Missing {
        fault: String,
        ttl: Option<Duration>,
    },
    /// Nobody can say now.
    Failed { fault: String },
}

/// Finds addresses.
#[derive(Debug)]
pub(super) struct Resolver {
    files: Files,
    allow_local: bool,
    turn: AtomicUsize,
}

impl Resolver {
    pub(super) fn new(options: &NameOptions, allow_local: bool) -> Self {
        Self {
            files: Files::new(options.resolv_conf.clone(), options.hosts.clone()),
            allow_local,
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) async fn lookup(&self, host: &str) -> Found {
        let found = match self.known(host) {
            Some(addresses) => Found::Addresses {
                addresses,
                ttl: HOSTS_TTL,
                partly: false,
            },
            None => self.ask(host).await,
        };
        match found {
            Found::Addresses {
                addresses,
                ttl,
                partly,
            } => match usable(addresses, self.allow_local) {
                addresses if addresses.is_empty() => Found::Missing {
                    fault: format!("{host} leads to no address that is allowed"),
                    ttl: Some(ttl),
                },
                addresses => Found::Addresses {
                    addresses,
                    ttl,
                    partly,
                },
            },
            other => other,
        }
    }

    /// What needs no server.
    fn known(&self, host: &str) -> Option<Vec<IpAddr>> {
        if let Ok(address) = host.parse() {
            return Some(vec![address]);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(addresses) = self.files.hosts().get(&name) {
            return Some(addresses.clone());
        }
        // RFC 6761: no server is asked for that.
        let is_localhost = name == "localhost" || name.ends_with(".localhost");
        is_localhost.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// The first candidate that has an address. One that nobody can say anything of makes it uncertain that there is none.
    async fn ask(&self, host: &str) -> Found {
        let conf = self.files.conf();
        let mut failed = None;
        let mut missing = (false, None);
        for name in conf.candidates(host) {
            match combine(ask_both(&conf, &self.turn, &name).await) {
                Ok(Combined::Missing { exists, ttl }) => {
                    missing = (missing.0 || exists, least(missing.1, ttl));
                }
                Ok(Combined::Found(addresses, ttl, partly)) => {
                    return Found::Addresses {
                        addresses,
                        ttl,
                        partly,
                    };
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let (exists, ttl) = missing;
        match (failed, exists) {
            (Some(error), _) => Found::Failed {
                fault: format!("{host}: {error}"),
            },
            (None, true) => Found::Missing {
                fault: format!("{host} has no address"),
                ttl,
            },
            (None, false) => Found::Missing {
                fault: format!("there is no name {host}"),
                ttl,
            },
        }
    }
}

enum Combined {
    Found(Vec<IpAddr>, Duration, bool),
    Missing { exists: bool, ttl: Option<Duration> },
}

/// Both families' answers as one.
fn combine(answers: Answers) -> Result<Combined, AskError> {
    let (mut addresses, mut ttl_s, mut failed) = (Vec::new(), u32::MAX, None);
    let (mut exists, mut negative) = (false, None);
    for reply in [answers.v4, answers.v6] {
        match reply {
            Ok(Reply::Found {
                addresses: own,
                ttl_s: own_s,
            }) => {
                addresses.extend(own);
                ttl_s = ttl_s.min(own_s);
            }
            Ok(Reply::Missing { exists: own, ttl_s }) => {
                exists |= own;
                let ttl = ttl_s.map(|ttl_s| Duration::from_secs(ttl_s.into()));
                negative = least(negative, ttl);
            }
            // Neither comes from `ask`.
            Ok(Reply::Truncated | Reply::Failed(_)) => failed = Some(AskError::Name),
            Err(error) => failed = Some(error),
        }
    }
    match (addresses.is_empty(), failed) {
        (false, failed) => {
            let ttl = Duration::from_secs(ttl_s.into());
            Ok(Combined::Found(addresses, ttl, failed.is_some()))
        }
        (true, Some(error)) => Err(error),
        (true, None) => Ok(Combined::Missing {
            exists,
            ttl: negative,
        }),
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Those that are allowed; of these, those that this machine has a way to, if there are any. In order, each once.
fn usable(addresses: Vec<IpAddr>, allow_local: bool) -> Vec<IpAddr> {
    let mut usable = allowed(addresses, allow_local);
    if usable.iter().any(|address| is_reachable(*address)) {
        usable.retain(|address| is_reachable(*address));
    }
    usable
}

fn allowed(mut addresses: Vec<IpAddr>, allow_local: bool) -> Vec<IpAddr> {
    addresses.retain(|address| allow_local || !is_local(*address));
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

/// Whether there is a route. Sends nothing.
fn is_reachable(address: IpAddr) -> bool {
    let any = match address {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = std::net::UdpSocket::bind((any, 0));
    socket.is_ok_and(|socket| socket.connect(SocketAddr::new(address, 9)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn what_a_name_may_lead_to() {
        for (found, local, others) in [
            ("198.51.100.7", "198.51.100.7", "198.51.100.7"),
            ("127.0.0.1", "127.0.0.1", ""),
            (
                "198.51.100.7 169.254.169.254 198.51.100.7 ::1 2001:db8::1",
                "169.254.169.254 198.51.100.7 ::1 2001:db8::1",
                "198.51.100.7 2001:db8::1",
            ),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", ""),
            ("", "", ""),
        ] {
            for (allow_local, expect) in [(true, local), (false, others)] {
                let found = found.split_whitespace();
                let found = found.map(|one| one.parse().expect("an address"));
                let got = allowed(found.collect(), allow_local);
                let got: Vec<String> = got.iter().map(ToString::to_string).collect();
                assert_eq!(got.join(" "), expect);
            }
        }
    }
}
