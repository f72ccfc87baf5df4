//! Explanations: the walk of a lookup, written down. Which listeners and rules were considered, which one serves, and why
//! each other one does not.
//!
//! Plain structs of texts, to be shown or serialised. Bounded: of a large table only so much is looked at and listed, and
//! what was left out is counted.

use std::{fmt, ops::ControlFlow};

use serde::Serialize;

use crate::{
    Action, Attachment, BackendChoice, Bind, HeaderMatch, HostError, Listener, Offer, PathMatch,
    QueryMatch, RequestMatch, RequestView, Snapshot, TextMatch, Unmet,
};

mod words;

/// Listed at most, of listeners and of rules each.
const LISTED_MAX: usize = 50;
/// Looked at most, among rules whose path doesn't match.
const LOOKED_AT_MAX: usize = 20_000;

/// What becomes of a request on one local address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The local address.
    pub address: String,
    /// `http` or `https`.
    pub protocol: &'static str,
    /// Those of the address, the chosen one first.
    pub listeners: Vec<ListenerChoice>,
    /// Rules in the order of precedence; then some whose host matches but not their path.
    pub candidates: Vec<Candidate>,
    /// Rules that are not listed: for other hosts, or too many.
    pub unlisted: usize,
    /// What happens.
    pub outcome: RuleOutcome,
}

/// One listener, and whether the request belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerChoice {
    /// `KIND NAMESPACE/NAME SECTION`.
    pub listener: String,
    pub host: String,
    pub rules: usize,
    pub choice: Choice,
}

/// One match of a rule, and whether it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `KIND NAMESPACE/NAME`.
    pub route: String,
    /// The rule's place in the route, from 0.
    pub rule: u32,
    pub rule_name: Option<String>,
    /// The match's place in the rule, from 0.
    pub entry: u32,
    pub host: String,
    /// What it demands, in words.
    pub demands: String,
    pub choice: Choice,
}

/// Chosen, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    Chosen,
    /// It would serve, but another comes first: this is why.
    Loses(String),
    /// It doesn't match: this is why.
    NoMatch(String),
}

/// What happens with the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleOutcome {
    Forward(Vec<BackendShare>),
    Redirect {
        status: u16,
    },
    /// The gateway answers by itself.
    Answer {
        status: u16,
        reason: String,
    },
}

/// One backend among those that share a rule's requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendShare {
    pub weight: u32,
    /// The group of endpoints, if there is one.
    pub cluster: Option<String>,
    /// What becomes of its requests, in words.
    pub says: String,
}

impl Snapshot {
    /// What becomes of a request on each local address with this port; `sni` is what a TLS client would send.
    pub fn explain(
        &self,
        port: u16,
        sni: Option<&str>,
        request: &RequestView<'_>,
    ) -> Vec<Explanation> {
        self.binds
            .values()
            .filter(|bind| bind.address.port() == port)
            .take(LISTED_MAX)
            .map(|bind| self.explain_bind(bind, sni, request))
            .collect()
    }

    fn explain_bind(
        &self,
        bind: &Bind,
        sni: Option<&str>,
        request: &RequestView<'_>,
    ) -> Explanation {
        let secure = bind.protocol == crate::BindProtocol::Https;
        let chosen = match secure {
            true => bind.listener(sni),
            false => bind.listener(Some(request.host)),
        };
        let mut explanation = Explanation {
            address: bind.address.to_string(),
            protocol: if secure { "https" } else { "http" },
            listeners: Vec::new(),
            candidates: Vec::new(),
            unlisted: 0,
            outcome: answer(404, "no listener serves this host"),
        };
        list_listeners(
            bind,
            chosen.map(|chosen| &**chosen),
            sni.filter(|_| secure),
            request,
            &mut explanation,
        );
        let Some(listener) = chosen else {
            return explanation;
        };
        match bind.admit(listener, request.host) {
            Ok(()) => {}
            Err(error @ HostError::NotServed) => {
                explanation.outcome = answer(404, &error.to_string());
                return explanation;
            }
            Err(error @ HostError::Misdirected) => {
                explanation.outcome = answer(421, &error.to_string());
                return explanation;
            }
        }
        match list_candidates(listener, request, &mut explanation) {
            Some(winner) => explanation.outcome = self.outcome(&winner.rule.action),
            None => explanation.outcome = answer(404, "no rule matches"),
        }
        explanation
    }

    fn outcome(&self, action: &Action) -> RuleOutcome {
        match action {
            Action::Redirect(redirect) => RuleOutcome::Redirect {
                status: redirect.status,
            },
            Action::Fail { status, reason } => answer(*status, reason),
            Action::Forward(backends) => RuleOutcome::Forward(
                backends
                    .iter()
                    .map(|backend| self.share(backend.weight, &backend.choice))
                    .collect(),
            ),
        }
    }

    fn share(&self, weight: u32, choice: &BackendChoice) -> BackendShare {
        let cluster = match choice {
            BackendChoice::Invalid { .. } => None,
            BackendChoice::Cluster(key) => Some(key.0.to_string()),
        };
        BackendShare {
            weight,
            cluster,
            says: self.backend(choice),
        }
    }

    fn backend(&self, choice: &BackendChoice) -> String {
        let key = match choice {
            BackendChoice::Invalid { status, reason } => {
                return format!("answers {status}: {reason}");
            }
            BackendChoice::Cluster(key) => key,
        };
        let Some(cluster) = self.clusters.get(&key.0) else {
            return "not there".to_owned();
        };
        if let Some((status, reason)) = &cluster.refused {
            return format!("answers {status}: {reason}");
        }
        let draining = cluster.endpoints.iter().filter(|one| one.draining).count();
        let all = match cluster.endpoints.len() {
            1 => "1 endpoint".to_owned(),
            all => format!("{all} endpoints"),
        };
        let draining = match draining {
            0 => String::new(),
            some => format!(", {some} draining"),
        };
        let spoken = match (cluster.offer(), cluster.tls.is_some()) {
            (Offer::Http1, false) => String::new(),
            (offer, false) => format!(", {offer} in the clear"),
            (offer, true) => format!(", {offer} over TLS"),
        };
        let hedging = cluster.hedging.map_or_else(String::new, |hedging| {
            format!(", hedged after {:?}", hedging.delay)
        });
        format!("{all}{draining}{spoken}{hedging}")
    }
}

fn answer(status: u16, reason: &str) -> RuleOutcome {
    RuleOutcome::Answer {
        status,
        reason: reason.to_owned(),
    }
}

fn list_listeners(
    bind: &Bind,
    chosen: Option<&Listener>,
    sni: Option<&str>,
    request: &RequestView<'_>,
    explanation: &mut Explanation,
) {
    let name = sni.unwrap_or(request.host);
    let choice = |listener: &Listener| match chosen {
        Some(chosen) if chosen.key == listener.key => Choice::Chosen,
        _ if !listener.host.covers(name) => {
            Choice::NoMatch(format!("its host is not that of {name}"))
        }
        _ => Choice::Loses("another listener's host is more specific".to_owned()),
    };
    let entry = |listener: &Listener| ListenerChoice {
        listener: listener.key.to_string(),
        host: listener.host.to_string(),
        rules: listener.routes.len(),
        choice: choice(listener),
    };
    explanation.listeners.extend(chosen.map(entry));
    let others = bind.listeners.values().map(|listener| &**listener);
    let others = others.filter(|listener| chosen.is_none_or(|chosen| chosen.key != listener.key));
    explanation
        .listeners
        .extend(others.take(LISTED_MAX).map(entry));
}

/// Lists them; yields the one that serves.
fn list_candidates<'a>(
    listener: &'a Listener,
    request: &RequestView<'_>,
    explanation: &mut Explanation,
) -> Option<&'a Attachment> {
    let mut winner: Option<&Attachment> = None;
    let candidates = &mut explanation.candidates;
    listener.routes.candidates(request, |attachment| {
        let choice = match (attachment.when.check_fields(request), winner) {
            (Err(unmet), _) => Choice::NoMatch(unmet.to_string()),
            (Ok(()), Some(winner)) => Choice::Loses(words::why_less(winner, attachment)),
            (Ok(()), None) => {
                winner = Some(attachment);
                Choice::Chosen
            }
        };
        // The winner is listed however many come before it.
        if candidates.len() < LISTED_MAX || choice == Choice::Chosen {
            candidates.push(Candidate::new(attachment, choice));
        }
        match candidates.len() >= LISTED_MAX && winner.is_some() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    let near = listener
        .routes
        .attachments()
        .take(LOOKED_AT_MAX)
        .filter(|one| one.host.covers(request.host) && !one.when.path.holds(request.path));
    let room = LISTED_MAX.saturating_sub(candidates.len());
    candidates.extend(near.take(room).map(|attachment| {
        let unmet = Unmet::Path(&attachment.when.path);
        Candidate::new(attachment, Choice::NoMatch(unmet.to_string()))
    }));
    explanation.unlisted = listener.routes.len().saturating_sub(candidates.len());
    winner
}

impl Candidate {
    fn new(attachment: &Attachment, choice: Choice) -> Self {
        let rule = &attachment.rule;
        Self {
            route: rule.route.to_string(),
            rule: rule.index,
            rule_name: rule.name.as_deref().map(str::to_owned),
            entry: attachment.entry,
            host: attachment.host.to_string(),
            demands: attachment.when.to_string(),
            choice,
        }
    }
}

impl fmt::Display for RequestMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(method) = &self.method {
            write!(f, ", method {method}")?;
        }
        for header in &self.headers {
            write!(f, ", {header}")?;
        }
        self.query
            .iter()
            .try_for_each(|query| write!(f, ", {query}"))
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "path {path}"),
            Self::Prefix(path) if path.is_empty() => f.write_str("any path"),
            Self::Prefix(path) => write!(f, "path {path} and below"),
            Self::Regex(regex) => write!(f, "path like {}", regex.as_str()),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "is {text}"),
            Self::Regex(regex) => write!(f, "is like {}", regex.as_str()),
        }
    }
}

impl fmt::Display for HeaderMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {} {}", self.name, self.value)
    }
}

impl fmt::Display for QueryMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query parameter {} {}", self.name, self.value)
    }
}

/// What isn't met, as it is demanded.
impl fmt::Display for Unmet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "not met: {path}"),
            Self::Method(method) => write!(f, "not met: method {method}"),
            Self::Header(header) => write!(f, "not met: {header}"),
            Self::Query(query) => write!(f, "not met: {query}"),
        }
    }
}

#[cfg(test)]
mod tests;
