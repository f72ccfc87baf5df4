//! A listener's rules, ordered for lookup by host, then path, then precedence.
//!
//! Persistent: a clone is a few pointers, and a change copies only what lies on the way to it. A lookup probes the
//! request's own host and path (and their suffixes and prefixes), so its cost doesn't depend on how many rules there are.
//!
//! Invariant: what a lookup finds depends on the attachments that are inside, never on the order in which they came.

use std::{ops::ControlFlow, sync::Arc};

use crate::{Directory, Host, Precedence, RequestMatch, RequestView, Rule};

use self::{
    host::HostRules,
    walk::{First, Visit},
};

mod ending;
mod host;
mod ranked;
#[cfg(test)]
pub(crate) mod tests;
mod walk;

/// One match of one rule under one host, as the compiler hands it over.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub host: Host,
    pub rule: Arc<Rule>,
    /// The place of `when` in the rule's matches, from 0.
    pub entry: u32,
    pub when: Arc<RequestMatch>,
    /// `when` asks for nothing but the path, so that a lookup needn't read it.
    by_path_only: bool,
}

impl Attachment {
    /// `entry`: the place of `when` in the rule's matches, from 0.
    pub fn new(host: Host, rule: Arc<Rule>, entry: u32, when: Arc<RequestMatch>) -> Self {
        Self {
            by_path_only: when.is_by_path_only(),
            host,
            rule,
            entry,
            when,
        }
    }

    /// Whether a request whose host and path match meets all other demands.
    #[inline]
    fn takes(&self, request: &RequestView<'_>) -> bool {
        self.by_path_only || self.when.check_fields(request).is_ok()
    }

    /// Its place among attachments with the same host and path. Two with the same precedence are the same.
    pub fn precedence(&self) -> Precedence<'_> {
        Precedence {
            has_method: self.when.method.is_some(),
            headers: self.when.headers.len(),
            query: self.when.query.len(),
            route: &self.rule.route,
            rule: self.rule.index,
            entry: self.entry,
        }
    }
}

/// All rules of one listener. Cloning is cheap, and inserting or removing costs in proportion to what is changed.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    exact: Directory<HostRules>,
    suffixes: Directory<HostRules>,
    any: Option<Arc<HostRules>>,
    len: usize,
}

impl RouteTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many attachments are inside.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts an attachment in. One with the same host, path and precedence is replaced.
    pub fn insert(&mut self, attachment: impl Into<Arc<Attachment>>) {
        let attachment = attachment.into();
        let new = match &attachment.host {
            Host::Exact(host) => insert_into(&mut self.exact, host, &attachment),
            Host::Suffix(host) => insert_into(&mut self.suffixes, host, &attachment),
            Host::Any => {
                let rules = self.any.get_or_insert_with(|| Arc::new(HostRules::new("")));
                Arc::make_mut(rules).insert(&attachment)
            }
        };
        self.len += usize::from(new);
    }

    /// Takes this very attachment out, found by its host, path and precedence: what has taken its place since stays. Says
    /// whether it was there.
    pub fn remove(&mut self, attachment: &Arc<Attachment>) -> bool {
        let removed = match &attachment.host {
            Host::Exact(host) => remove_from(&mut self.exact, host, attachment),
            Host::Suffix(host) => remove_from(&mut self.suffixes, host, attachment),
            Host::Any => {
                let removed = self
                    .any
                    .as_mut()
                    .is_some_and(|rules| Arc::make_mut(rules).remove(attachment));
                self.any.take_if(|rules| rules.is_empty());
                removed
            }
        };
        self.len -= usize::from(removed);
        removed
    }

    /// The attachment whose rule serves this request: of the most specific host that has one that matches, the one that
    /// Gateway API's precedence puts first.
    #[inline]
    pub fn find(&self, request: &RequestView<'_>) -> Option<&Attachment> {
        let mut first = First::new(request);
        self.walk(request, &mut first);
        first.found()
    }

    /// All attachments whose host and path match, in the order of precedence, until `visit` breaks off.
    pub(crate) fn candidates<'a>(
        &'a self,
        request: &RequestView<'_>,
        visit: impl FnMut(&'a Attachment) -> ControlFlow<()>,
    ) {
        self.walk(request, &mut walk::Each(visit));
    }

    /// Visits all attachments whose host and path match, from the most specific to the least, until the visitor has seen
    /// enough.
    fn walk<'a, V: Visit<'a>>(&'a self, request: &RequestView<'_>, visit: &mut V) {
        if let Some(rules) = self.exact.get(request.host)
            && rules.walk(request.path, visit).is_break()
        {
            return;
        }
        if !self.suffixes.is_empty() {
            let mut rest = request.host;
            while let Some((_, suffix)) = rest.split_once('.') {
                if let Some(rules) = self.suffixes.get(suffix)
                    && rules.walk(request.path, visit).is_break()
                {
                    return;
                }
                rest = suffix;
            }
        }
        if let Some(rules) = &self.any {
            // The last one: whether the visitor has seen enough changes nothing any more.
            let _ = rules.walk(request.path, visit);
        }
    }

    /// Everything inside, in no particular order.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.exact
            .iter()
            .chain(self.suffixes.iter())
            .chain(&self.any)
            .flat_map(|rules| rules.attachments())
            .map(|attachment| &**attachment)
    }
}

fn insert_into(
    hosts: &mut Directory<HostRules>,
    host: &Arc<str>,
    attachment: &Arc<Attachment>,
) -> bool {
    if let Some(rules) = hosts.get_mut(host) {
        return rules.insert(attachment);
    }
    let mut rules = HostRules::new(host.clone());
    rules.insert(attachment);
    hosts.insert(Arc::new(rules));
    true
}

fn remove_from(hosts: &mut Directory<HostRules>, host: &str, attachment: &Arc<Attachment>) -> bool {
    let Some(rules) = hosts.get_mut(host) else {
        return false;
    };
    let removed = rules.remove(attachment);
    if rules.is_empty() {
        hosts.remove(host);
    }
    removed
}
