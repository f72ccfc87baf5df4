//! The rules of one schema, compiled when they are first needed.

use super::{
    decl::{self, Decl},
    program::{self, Compiled},
};
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::OnceLock,
};
use tidegate_schema::{NodeId, Rule, Schema};

/// The limit of one rule's cost.
pub(super) const CALL_LIMIT: u64 = 1_000_000;
const DEEPEST: usize = 200;

/// The cost that validating one object may take.
pub const REQUEST_BUDGET: u64 = 10_000_000;

/// The rules of a version of a custom resource.
///
/// Lenient: a rule that does not compile makes objects invalid, not the definition.
#[derive(Debug)]
pub struct Rules {
    any: bool,
    compiled: OnceLock<Nodes>,
}

/// The rules of one node, or why they can't be run at all.
pub(super) type Own = Result<Vec<(Rule, Compiled)>, &'static str>;

/// All compiled rules, by the node that has them.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    rules: HashMap<NodeId, Own>,
    /// Nodes that have rules at or below them.
    above: HashSet<NodeId>,
}

impl Rules {
    /// The rules of a schema's root. Cheap: nothing is compiled until an object comes.
    pub fn compile(schema: Schema<'_>) -> Self {
        Self {
            any: has_rules(schema, DEEPEST),
            compiled: OnceLock::new(),
        }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        !self.any
    }

    pub(super) fn nodes(&self, schema: Schema<'_>) -> &Nodes {
        self.compiled.get_or_init(|| {
            let mut nodes = Nodes::default();
            if self.any {
                let decl = decl::declare(schema, true, "selfType");
                nodes.add(schema, schema, decl.as_ref(), DEEPEST);
            }
            nodes
        })
    }
}

impl Nodes {
    /// The rules of a node: none, or why they can't be run at all.
    pub(super) fn of(&self, id: NodeId) -> Option<&Own> {
        self.rules.get(&id)
    }

    pub(super) fn at_or_below(&self, id: NodeId) -> bool {
        self.above.contains(&id)
    }

    /// Compiles the rules at and below a node. In `allOf` the rules are of `rules`, the data of `schema`.
    fn add(
        &mut self,
        rules: Schema<'_>,
        schema: Schema<'_>,
        decl: Option<&Rc<Decl>>,
        deeper: usize,
    ) -> bool {
        let Some(deeper) = deeper.checked_sub(1) else {
            return false;
        };
        let mut found = self.own(rules, schema, decl);
        if let (Some(rules), Some(schema)) = (rules.items(), schema.items()) {
            let decl = decl.and_then(|decl| decl.element());
            found |= self.add(rules, schema, decl.as_ref(), deeper);
        }
        if let (Some(rules), Some(schema)) = (rules.additional(), schema.additional()) {
            let decl = decl.and_then(|decl| decl.element());
            found |= self.add(rules, schema, decl.as_ref(), deeper);
        }
        for (name, id) in &rules.node().properties {
            let Some(property) = schema.property(name) else {
                continue;
            };
            let part = if super::escape::escape(name).is_some() {
                decl.and_then(|decl| decl.property(name))
            } else {
                decl::declare(property, property.node().embedded_resource, "selfType")
            };
            // What the language can't see is not validated at all.
            if let Some(part) = part {
                found |= self.add(rules.at(*id), property, Some(&part), deeper);
            }
        }
        for id in rules.node().checks.iter().flat_map(|checks| &checks.all_of) {
            found |= self.add(rules.at(*id), schema, decl, deeper);
        }
        if found {
            self.above.insert(rules.id());
        }
        found
    }

    fn own(&mut self, rules: Schema<'_>, schema: Schema<'_>, decl: Option<&Rc<Decl>>) -> bool {
        let list = &rules.node().rules;
        if list.is_empty() {
            return false;
        }
        let compiled = match decl {
            None => Err("failed to convert to declType for CEL validation rules"),
            Some(decl) => Ok(list
                .iter()
                .map(|rule| (rule.clone(), program::compile(rule, schema, decl, &[])))
                .collect()),
        };
        self.rules.insert(rules.id(), compiled);
        true
    }
}

/// Whether there are rules on the spine: those of `allOf` alone do not count.
fn has_rules(schema: Schema<'_>, deeper: usize) -> bool {
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    !schema.node().rules.is_empty()
        || schema
            .items()
            .is_some_and(|schema| has_rules(schema, deeper))
        || schema
            .additional()
            .is_some_and(|schema| has_rules(schema, deeper))
        || schema
            .node()
            .properties
            .values()
            .any(|id| has_rules(schema.at(*id), deeper))
}
