//! Listeners with TLS on one port whose hostnames or certificates overlap.
//!
//! A client that holds a connection to one of them may use it for a host of the other (RFC 9113, section 9.1.1), past the
//! other's certificate and its clients' validation. The proxy answers such a request with 421; statuses tell why.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tidegate_routing::{Certificate, Host};

use crate::trust::Reason;

/// What of a listener with TLS can overlap with another's.
#[derive(Debug)]
pub(crate) struct Secure<'a> {
    pub(crate) port: u16,
    /// The listener's name, for people.
    pub(crate) name: &'a str,
    pub(crate) host: &'a Host,
    pub(crate) certificates: &'a [Arc<Certificate>],
}

/// At most so many listeners are named to another one.
const NAMED_MAX: usize = 8;

/// For each listener, reason and text of what overlaps, if anything does. Costs in proportion to the names.
pub(crate) fn find(listeners: &[Secure<'_>]) -> Vec<Option<Reason>> {
    let mut hosts = Names::new(usize::MAX);
    // A star in a certificate stands for one label (RFC 9525, section 6.3).
    let mut certified = Names::new(1);
    for (at, one) in listeners.iter().enumerate() {
        hosts.add(at, one.port, one.host);
        for name in names(one) {
            certified.add(at, one.port, name);
        }
    }
    let named = |others: &Others| others.text(listeners);
    let all = listeners.iter().enumerate();
    all.map(|(at, one)| {
        let by_host = hosts.others(at, one.port, std::iter::once(one.host));
        let by_certificate = certified.others(at, one.port, names(one));
        let mut parts = Vec::new();
        let mut reason = None;
        if !by_host.0.is_empty() {
            reason = Some("OverlappingHostnames");
            parts.push(format!(
                "hostnames overlap with those of {}",
                named(&by_host)
            ));
        }
        if !by_certificate.0.is_empty() {
            // Where both are true, this is the reason to give.
            reason = Some("OverlappingCertificates");
            let who = named(&by_certificate);
            parts.push(format!("certificates overlap with those of {who}"));
        }
        reason.map(|reason| (reason, parts.join("; ").into()))
    })
    .collect()
}

fn names<'a>(one: &Secure<'a>) -> impl Iterator<Item = &'a Host> + use<'a> {
    one.certificates.iter().flat_map(|one| &one.names)
}

/// Who has which names. Every host is one under the empty suffix.
struct Names<'a> {
    /// How many labels a star stands for at most.
    star_labels: usize,
    /// By port and name: who has the very name.
    same: HashMap<(u16, Name<'a>), Few>,
    /// By port and suffix: who has a name that the suffix covers, but for the suffix itself.
    under: HashMap<(u16, &'a str), Few>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Name<'a> {
    Exact(&'a str),
    Suffix(&'a str),
}

impl<'a> Name<'a> {
    fn new(host: &'a Host) -> Self {
        match host {
            Host::Exact(name) => Self::Exact(name),
            Host::Suffix(suffix) => Self::Suffix(suffix),
            Host::Any => Self::Suffix(""),
        }
    }

    /// The suffixes that cover it, but for itself.
    fn suffixes(self, star_labels: usize) -> impl Iterator<Item = &'a str> {
        let above = |name: &'a str| match name.split_once('.') {
            Some((_, above)) => Some(above),
            None => Some("").filter(|_| !name.is_empty()),
        };
        let (name, labels) = match self {
            Self::Exact(name) => (name, star_labels),
            // A star that stands for one label only covers no name with a star.
            Self::Suffix(name) if star_labels > 1 => (name, star_labels),
            Self::Suffix(name) => (name, 0),
        };
        std::iter::successors(above(name), move |name| above(name)).take(labels)
    }
}

impl<'a> Names<'a> {
    fn new(star_labels: usize) -> Self {
        Self {
            star_labels,
            same: HashMap::new(),
            under: HashMap::new(),
        }
    }

    fn add(&mut self, who: usize, port: u16, host: &'a Host) {
        let name = Name::new(host);
        self.same.entry((port, name)).or_default().push(who);
        for suffix in name.suffixes(self.star_labels) {
            self.under.entry((port, suffix)).or_default().push(who);
        }
    }

    /// Who else has names that overlap with these.
    fn others<'b>(&self, who: usize, port: u16, hosts: impl Iterator<Item = &'b Host>) -> Others {
        let mut others = BTreeSet::new();
        let mut note = |few: Option<&Few>| {
            let few = few.into_iter().flat_map(|few| &few.0);
            others.extend(few.filter(|other| **other != who));
        };
        for name in hosts.map(Name::new) {
            note(self.same.get(&(port, name)));
            for suffix in name.suffixes(self.star_labels) {
                note(self.same.get(&(port, Name::Suffix(suffix))));
            }
            if let Name::Suffix(suffix) = name {
                note(self.under.get(&(port, suffix)));
            }
        }
        Others(others)
    }
}

/// The first of those who come, in order: as many as are named to one of them, itself, and one more.
#[derive(Default)]
struct Few(Vec<usize>);

impl Few {
    fn push(&mut self, who: usize) {
        if self.0.len() < NAMED_MAX + 2 && self.0.last() != Some(&who) {
            self.0.push(who);
        }
    }
}

struct Others(BTreeSet<usize>);

impl Others {
    fn text(&self, listeners: &[Secure<'_>]) -> String {
        let named = self.0.iter().take(NAMED_MAX).map(|at| listeners[*at].name);
        let named = named.collect::<Vec<_>>().join(", ");
        match self.0.len() > NAMED_MAX {
            true => format!("{named} and others"),
            false => named,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_routing::Certificate;

    use super::{NAMED_MAX, Secure, find};
    use crate::text;

    /// Listeners are written `port host names,of,certificate`, and named by their place; what they are told follows.
    #[track_caller]
    fn check(listeners: &[&str], expect: &[&str]) {
        let parsed: Vec<_> = listeners
            .iter()
            .enumerate()
            .map(|(at, line)| {
                let parts: Vec<&str> = line.split(' ').collect();
                let host = |text: &str| text::host(text.trim_start_matches('-')).expect("a host");
                let certificate = Arc::new(Certificate {
                    source: "".into(),
                    chain: Vec::new(),
                    key: Vec::new(),
                    names: parts[2].split(',').map(host).collect(),
                });
                let port = parts[0].parse().expect("a port");
                (at.to_string(), port, host(parts[1]), [certificate])
            })
            .collect();
        let all: Vec<Secure<'_>> = parsed
            .iter()
            .map(|(name, port, host, certificates)| Secure {
                port: *port,
                name,
                host,
                certificates,
            })
            .collect();
        let found = find(&all);
        let texts: Vec<String> = found
            .iter()
            .map(|one| match one {
                Some((reason, text)) => {
                    let text = text.replace(" overlap with those of", "");
                    format!("{}: {text}", reason.trim_start_matches("Overlapping"))
                }
                None => String::new(),
            })
            .collect();
        assert_eq!(texts, expect, "{listeners:?}");
    }

    #[test]
    fn listeners_are_told_of_one_another() {
        // The specification's own example.
        check(
            &[
                "1 foo.example.com a.org",
                "1 foo.example.org b.org",
                "1 *.example.com c.org",
            ],
            &["Hostnames: hostnames 2", "", "Hostnames: hostnames 0"],
        );
        check(&["1 *.a.b x.org", "2 c.a.b y.org"], &["", ""]);
        check(
            &["1 *.a.b x.org", "1 *.c.a.b y.org", "1 a.b z.org"],
            &["Hostnames: hostnames 1", "Hostnames: hostnames 0", ""],
        );
        check(
            &["1 - x.org", "1 a.b y.org", "1 *.b z.org"],
            &[
                "Hostnames: hostnames 1, 2",
                "Hostnames: hostnames 0, 2",
                "Hostnames: hostnames 0, 1",
            ],
        );
        // One certificate for all, or stars that cover the other's.
        check(
            &["1 a.b *.b", "1 c.b *.b", "2 d.b *.b"],
            &[
                "Certificates: certificates 1",
                "Certificates: certificates 0",
                "",
            ],
        );
        check(
            &["1 a.b x.org,*.b", "1 c.b c.b"],
            &[
                "Certificates: certificates 1",
                "Certificates: certificates 0",
            ],
        );
        // A certificate's star is one label; a listener's is any number of them.
        check(&["1 a.b *.b", "1 x.c.b x.c.b"], &["", ""]);
        check(&["1 a.b *.b", "1 x.c.b *.c.b"], &["", ""]);
        check(
            &["1 *.b *.b", "1 x.b x.b,y.org"],
            &[
                "Certificates: hostnames 1; certificates 1",
                "Certificates: hostnames 0; certificates 0",
            ],
        );
        // Two names of one listener are no overlap.
        check(&["1 *.b *.b,a.b"], &[""]);
    }

    #[test]
    fn texts_stay_short() {
        let many: Vec<String> = (0..100).map(|at| format!("1 a{at}.b *.b")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let expect: Vec<String> = (0..100)
            .map(|at: usize| {
                let others = (0..100).filter(|other| *other != at).take(NAMED_MAX);
                let others: Vec<String> = others.map(|one: usize| one.to_string()).collect();
                format!(
                    "Certificates: certificates {} and others",
                    others.join(", ")
                )
            })
            .collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check(&many, &expect);
    }
}
