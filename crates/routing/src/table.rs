//! A listener's rules, ordered for lookup by host, then path, then precedence.

use std::sync::Arc;

use crate::{Host, RequestMatch, Rule};

/// One match of one rule under one host, as the compiler hands it over.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub host: Host,
    pub rule: Arc<Rule>,
    /// The place of `when` in the rule's matches, from 0.
    pub entry: u32,
    pub when: Arc<RequestMatch>,
}

/// All rules of one listener. Cloning is cheap, and inserting or removing costs in proportion to what is changed.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {}
