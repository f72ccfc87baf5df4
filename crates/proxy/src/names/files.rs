//! What the machine says of names: its file of hosts, and how its DNS servers are asked. Parsing does no IO.

use std::{
    collections::HashMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::message::is_name;

/// As in the C library.
const SERVERS_MAX: usize = 3;
const SEARCH_MAX: usize = 32;
/// A file beyond this size is not read.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// `resolv.conf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conf {
    pub(super) servers: Vec<SocketAddr>,
    /// Domains that names are looked for in.
    search: Vec<String>,
    /// A name with as many dots is first taken as it is.
    ndots: usize,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
    /// Servers take turns.
    pub(super) rotate: bool,
    /// Questions go by TCP from the start.
    pub(super) tcp: bool,
}

/// Addresses by name in lower case.
pub(super) type Hosts = HashMap<String, Vec<IpAddr>>;

/// Both files, read again when they change.
#[derive(Debug)]
pub(super) struct Files {
    conf: File<Conf>,
    hosts: File<Hosts>,
}

#[derive(Debug)]
struct File<T> {
    path: PathBuf,
    parse: fn(&str) -> T,
    last: Mutex<Option<Last<T>>>,
}

/// What was read, and when that had been written and how long it was; `None`: it could not be had.
#[derive(Debug)]
struct Last<T> {
    stamp: Option<(SystemTime, u64)>,
    value: Arc<T>,
}

impl Files {
    pub(super) fn new(conf: PathBuf, hosts: PathBuf) -> Self {
        Self {
            conf: File::new(conf, parse_conf),
            hosts: File::new(hosts, parse_hosts),
        }
    }

    pub(super) fn conf(&self) -> Arc<Conf> {
        self.conf.read()
    }

    pub(super) fn hosts(&self) -> Arc<Hosts> {
        self.hosts.read()
    }
}

impl<T> File<T> {
    fn new(path: PathBuf, parse: fn(&str) -> T) -> Self {
        Self {
            path,
            parse,
            last: Mutex::default(),
        }
    }

    /// One that can't be read is an empty one.
    fn read(&self) -> Arc<T> {
        let found = stamp(&self.path);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && last.stamp == found
        {
            return last.value.clone();
        }
        let readable = found.is_some_and(|(_, size)| size <= FILE_MAX);
        let bytes = if readable {
            fs::read(&self.path)
        } else {
            Ok(Vec::new())
        };
        let bytes = bytes.unwrap_or_else(|error| {
            tracing::warn!(path = %self.path.display(), %error, "cannot be read");
            Vec::new()
        });
        let value = Arc::new((self.parse)(&String::from_utf8_lossy(&bytes)));
        *last = Some(Last {
            stamp: found,
            value: value.clone(),
        });
        value
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let about = fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

impl Conf {
    /// The names to ask for, in order, as `host` stands for.
    pub(super) fn candidates(&self, host: &str) -> Vec<String> {
        if host.ends_with('.') {
            return vec![host.to_owned()];
        }
        let itself = std::iter::once(host.to_owned());
        let found = self.search.iter().map(|domain| format!("{host}.{domain}"));
        let found = found.filter(|name| is_name(name));
        match host.matches('.').count() >= self.ndots {
            true => itself.chain(found).collect(),
            false => found.chain(itself).collect(),
        }
    }
}

fn parse_conf(text: &str) -> Conf {
    let mut conf = Conf {
        servers: Vec::new(),
        search: Vec::new(),
        ndots: 1,
        timeout: Duration::from_secs(5),
        attempts: 2,
        rotate: false,
        tcp: false,
    };
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => conf.servers.extend(words.next().and_then(server)),
            // The last one counts.
            Some("search" | "domain") => {
                let domains = words.map(|domain| domain.trim_end_matches('.').to_owned());
                let domains = domains.filter(|domain| !domain.is_empty());
                conf.search = domains.take(SEARCH_MAX).collect();
            }
            Some("options") => words.for_each(|option| conf.set(option)),
            _ => {}
        }
    }
    if conf.servers.is_empty() {
        conf.servers.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    conf.servers.truncate(SERVERS_MAX);
    conf
}

impl Conf {
    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let number = |most: u32| value.parse::<u32>().map(|number| number.min(most));
        match (name, number(u32::MAX)) {
            ("ndots", Ok(_)) => self.ndots = number(15).unwrap_or(1) as usize,
            ("timeout", Ok(_)) => {
                self.timeout = Duration::from_secs(number(30).unwrap_or(5).max(1).into());
            }
            ("attempts", Ok(_)) => self.attempts = number(5).unwrap_or(2).max(1),
            ("rotate", _) => self.rotate = true,
            ("use-vc", _) => self.tcp = true,
            _ => {}
        }
    }
}

/// An address, with a port where it isn't the usual one: `192.0.2.1`, `2001:db8::1`, `192.0.2.1:5353`, `[::1]:5353`.
fn server(text: &str) -> Option<SocketAddr> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| text.parse()).ok()
}

fn parse_hosts(text: &str) -> Hosts {
    let mut hosts = Hosts::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
            continue;
        };
        for name in words {
            let addresses = hosts.entry(name.to_ascii_lowercase()).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::{parse_conf, parse_hosts};

    #[test]
    fn names_are_looked_for_as_the_machine_says() {
        for (conf, host, expect) in [
            ("", "a", "a"),
            ("search x.test y.test", "a", "a.x.test a.y.test a"),
            ("search x.test y.test", "a.b", "a.b a.b.x.test a.b.y.test"),
            (
                "search x.test\noptions ndots:5",
                "a.b.c",
                "a.b.c.x.test a.b.c",
            ),
            ("search x.test\noptions ndots:5", "a.b.c.", "a.b.c."),
            ("search x.test\ndomain y.test", "a", "a.y.test a"),
            ("search x.test.", "a", "a.x.test a"),
            ("search .", "a", "a"),
            ("search x..test", "a", "a"),
            ("options ndots:0\nsearch x.test", "a", "a a.x.test"),
            ("options ndots:none\nsearch x.test", "a", "a.x.test a"),
        ] {
            assert_eq!(
                parse_conf(conf).candidates(host).join(" "),
                expect,
                "{conf}"
            );
        }
    }

    #[test]
    fn servers_and_options() {
        for (conf, expect) in [
            ("", "127.0.0.1:53 5s 2"),
            (
                "# nameserver 192.0.2.1\n; nameserver 192.0.2.2",
                "127.0.0.1:53 5s 2",
            ),
            (
                "nameserver 192.0.2.1\nnameserver 2001:db8::1",
                "192.0.2.1:53 [2001:db8::1]:53 5s 2",
            ),
            (
                "nameserver 192.0.2.1:5353\nnameserver [::1]:54",
                "192.0.2.1:5353 [::1]:54 5s 2",
            ),
            ("nameserver here\nnameserver 192.0.2.1", "192.0.2.1:53 5s 2"),
            (
                "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
                "192.0.2.1:53 192.0.2.2:53 192.0.2.3:53 5s 2",
            ),
            (
                "options timeout:1 attempts:3 rotate use-vc",
                "127.0.0.1:53 1s 3 rotate tcp",
            ),
            ("options timeout:0 attempts:0", "127.0.0.1:53 1s 1"),
            ("options timeout:99999 attempts:99999", "127.0.0.1:53 30s 5"),
            ("options timeout:-1", "127.0.0.1:53 5s 2"),
        ] {
            let got = parse_conf(conf);
            let mut words: Vec<String> = got.servers.iter().map(ToString::to_string).collect();
            words.push(format!("{:?} {}", got.timeout, got.attempts));
            words.extend(got.rotate.then(|| "rotate".to_owned()));
            words.extend(got.tcp.then(|| "tcp".to_owned()));
            assert_eq!(words.join(" "), expect, "{conf}");
        }
    }

    #[test]
    fn hosts() {
        let hosts = parse_hosts(
            "127.0.0.1 localhost\n::1 localhost ip6-localhost # both\n\
            # 192.0.2.9 gone\n192.0.2.1\tApp.test app\n192.0.2.1 app\nfe80::1%eth0 odd\nnonsense x\n",
        );
        for (name, expect) in [
            ("localhost", "[127.0.0.1, ::1]"),
            ("ip6-localhost", "[::1]"),
            ("app.test", "[192.0.2.1]"),
            ("app", "[192.0.2.1]"),
        ] {
            assert_eq!(format!("{:?}", hosts[name]), expect, "{name}");
        }
        assert_eq!(hosts.len(), 4);
    }
}
