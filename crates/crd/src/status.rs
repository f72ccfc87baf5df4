//! The status of a definition: which names it has got, and whether it is served.
//!
//! What kube-apiserver's controllers do one after the other is done in one step here.

use crate::{
    errors::aggregate,
    validate::{
        Approval, approval, check_structural, is_bad_ca_bundle, is_protected, is_true, unsupported,
    },
    view::{Fields, Names, Spec, root, same},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tidegate_schema::{FieldError, Path, go_quote};

/// The status that a definition gets among `others`, at the time `now`.
///
/// Names that another definition of the group has are not accepted, and without all names there are no paths.
pub fn conditions(crd: &Value, others: &[&Value], now: &str) -> Value {
    let mut status = Status::of(crd, now);
    let spec = Spec::of(crd);
    if !same(
        crd.pointer("/spec/names"),
        status.fields.get("acceptedNames"),
    ) {
        accept_names(&spec, crd, others, &mut status);
    }
    if status.is_true("NamesAccepted") && !status.is_true("Established") {
        let bundle = crd
            .pointer("/spec/conversion/webhook/clientConfig/caBundle")
            .and_then(Value::as_str);
        if is_bad_ca_bundle(bundle.unwrap_or_default()) {
            let message = "The conversion webhook CABundle is invalid";
            status.set("Established", "False", "InvalidCABundle", message);
        } else {
            status.set(
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
            );
        }
    }
    match structure(&spec) {
        None => status
            .conditions
            .retain(|condition| condition["type"] != "NonStructuralSchema"),
        Some((state, reason, message)) => {
            status.set("NonStructuralSchema", state, reason, &message)
        }
    }
    if is_protected(spec.group()) {
        let (state, words) = approval(crd);
        let (state, reason) = match state {
            Approval::Invalid => ("False", "InvalidAnnotation"),
            Approval::Missing => ("False", "MissingAnnotation"),
            Approval::Approved => ("True", "ApprovedAnnotation"),
            Approval::Bypassed => ("False", "UnapprovedAnnotation"),
        };
        status.set(
            "KubernetesAPIApprovalPolicyConformant",
            state,
            reason,
            &words,
        );
    }
    status.done()
}

struct Status<'a> {
    fields: Map<String, Value>,
    conditions: Vec<Value>,
    now: &'a str,
}

impl<'a> Status<'a> {
    fn of(crd: &Value, now: &'a str) -> Self {
        let mut fields = crd
            .get("status")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let conditions = match fields.remove("conditions") {
            Some(Value::Array(conditions)) => conditions,
            _ => Vec::new(),
        };
        Self {
            fields,
            conditions,
            now,
        }
    }

    fn is_true(&self, r#type: &str) -> bool {
        self.conditions
            .iter()
            .any(|condition| condition["type"] == r#type && condition["status"] == "True")
    }

    /// Only a changed status is a transition.
    fn set(&mut self, r#type: &str, state: &str, reason: &str, message: &str) {
        let known = self
            .conditions
            .iter_mut()
            .find(|condition| condition["type"] == r#type);
        let since = known.as_ref().filter(|known| known["status"] == state);
        let since = since
            .and_then(|known| known["lastTransitionTime"].as_str())
            .unwrap_or(self.now);
        let condition = json!({
            "type": r#type,
            "status": state,
            "lastTransitionTime": since,
            "reason": reason,
            "message": message,
        });
        match known {
            Some(known) => *known = condition,
            None => self.conditions.push(condition),
        }
    }

    fn done(mut self) -> Value {
        let conditions = if self.conditions.is_empty() {
            Value::Null
        } else {
            self.conditions.into()
        };
        self.fields.insert("conditions".to_owned(), conditions);
        self.fields
            .entry("acceptedNames")
            .or_insert_with(|| json!({ "plural": "", "kind": "" }));
        self.fields.entry("storedVersions").or_insert(Value::Null);
        self.fields.into()
    }
}

/// The names that a group's definitions have.
#[derive(Default)]
struct Taken<'a> {
    resources: BTreeSet<&'a str>,
    kinds: BTreeSet<&'a str>,
}

fn accepted(crd: &Value) -> Names<'_> {
    Names(Fields::of(crd.get("status")).object("acceptedNames"))
}

fn accept_names(spec: &Spec<'_>, crd: &Value, others: &[&Value], status: &mut Status<'_>) {
    let mut taken = Taken::default();
    let group = others
        .iter()
        .copied()
        .filter(|other| Spec::of(other).group() == spec.group());
    for names in group.chain([crd]).map(accepted) {
        taken.resources.extend([names.plural(), names.singular()]);
        taken.resources.extend(names.short_names());
        taken.kinds.extend([names.kind(), names.list_kind()]);
    }
    let (wanted, had) = (spec.names(), accepted(crd));
    let mut claim = Claim {
        got: Map::new(),
        fault: None,
    };
    claim.one(
        "plural",
        "PluralConflict",
        (wanted.plural(), had.plural()),
        &taken.resources,
    );
    claim.one(
        "singular",
        "SingularConflict",
        (wanted.singular(), had.singular()),
        &taken.resources,
    );
    claim.short_names(wanted, had, &taken.resources);
    claim.one(
        "kind",
        "KindConflict",
        (wanted.kind(), had.kind()),
        &taken.kinds,
    );
    claim.one(
        "listKind",
        "ListKindConflict",
        (wanted.list_kind(), had.list_kind()),
        &taken.kinds,
    );
    claim.list("categories", wanted.categories());
    status
        .fields
        .insert("acceptedNames".to_owned(), claim.got.into());
    match &claim.fault {
        Some((reason, message)) => status.set("NamesAccepted", "False", reason, message),
        None => status.set("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
    }
    if claim.fault.is_some() && !is_true(crd, "Established") {
        let before = status
            .conditions
            .iter()
            .any(|condition| condition["type"] == "Established");
        if !before {
            status.set(
                "Established",
                "False",
                "NotAccepted",
                "not all names are accepted",
            );
        }
    }
}

/// Names that are got, and the last fault.
struct Claim {
    got: Map<String, Value>,
    fault: Option<(&'static str, String)>,
}

impl Claim {
    fn one(
        &mut self,
        field: &str,
        reason: &'static str,
        (wanted, had): (&str, &str),
        taken: &BTreeSet<&str>,
    ) {
        let clash = wanted != had && taken.contains(wanted);
        let name = if clash { had } else { wanted };
        if clash {
            self.fault = Some((reason, in_use(wanted)));
        }
        // These two are there even where they are empty.
        if !name.is_empty() || matches!(field, "plural" | "kind") {
            self.got.insert(field.to_owned(), name.into());
        }
    }

    fn short_names(&mut self, wanted: Names<'_>, had: Names<'_>, taken: &BTreeSet<&str>) {
        let own: BTreeSet<&str> = had.short_names().collect();
        let new = wanted.short_names().filter(|name| !own.contains(name));
        let clashes: Vec<String> = new
            .filter(|name| taken.contains(name))
            .map(in_use)
            .collect();
        if clashes.is_empty() {
            self.list("shortNames", wanted.short_names());
        } else {
            self.fault = Some(("ShortNamesConflict", aggregate(&clashes)));
            self.list("shortNames", had.short_names());
        }
    }

    fn list<'a>(&mut self, field: &str, names: impl Iterator<Item = &'a str>) {
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            self.got.insert(field.to_owned(), names.into());
        }
    }
}

fn in_use(name: &str) -> String {
    format!("{} is already in use", go_quote(name))
}

/// What keeps the schemas from being structural, if anything: the condition's status, reason and message.
fn structure(spec: &Spec<'_>) -> Option<(&'static str, &'static str, String)> {
    let path = Path::ROOT;
    let path = path.child("spec");
    let mut errors = Vec::new();
    if spec.preserves() {
        errors.push(FieldError::invalid(
            &path.child("preserveUnknownFields"),
            &true.into(),
            "must be false",
        ));
    }
    let versions = path.child("versions");
    for (index, version) in spec.versions.iter().enumerate() {
        let Some(schema) = version.fields.opt_object("schema").and_then(root) else {
            continue;
        };
        if let Some(error) = unsupported(schema) {
            let message = format!(
                "failed to check validation schema for version {}: {error}",
                version.name()
            );
            return Some(("Unknown", "StructuralError", message));
        }
        let here = versions.index(index);
        let here = here.child("schema");
        errors.extend(check_structural(schema, &here.child("openAPIV3Schema")));
    }
    let errors: Vec<String> = errors.iter().map(FieldError::to_string).collect();
    (!errors.is_empty()).then(|| ("True", "Violations", aggregate(&errors)))
}
