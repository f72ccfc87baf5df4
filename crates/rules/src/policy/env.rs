//! The variables of a policy's expressions.

use crate::cel::{
    env::Env,
    types::{ObjectType, Type},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Functions that a new expression may not use yet: the release before does not know them.
pub(super) const TOO_NEW: &[&str] = &["includes"];

fn object(name: &str, fields: &[(&str, Type)]) -> Type {
    let fields: BTreeMap<Box<str>, Type> = fields
        .iter()
        .map(|(field, of)| ((*field).into(), of.clone()))
        .collect();
    Type::Object(Arc::new(ObjectType {
        name: name.into(),
        fields,
    }))
}

fn texts() -> Type {
    Type::list(Type::String)
}

fn request() -> Type {
    let kind = object(
        "kubernetes.GroupVersionKind",
        &[
            ("group", Type::String),
            ("version", Type::String),
            ("kind", Type::String),
        ],
    );
    let resource = object(
        "kubernetes.GroupVersionResource",
        &[
            ("group", Type::String),
            ("version", Type::String),
            ("resource", Type::String),
        ],
    );
    let user = object(
        "kubernetes.UserInfo",
        &[
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", texts()),
            ("extra", Type::map(Type::String, texts())),
        ],
    );
    object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", Type::String),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

fn namespace() -> Type {
    let labels = Type::map(Type::String, Type::String);
    let metadata = object(
        "kubernetes.NamespaceMetadata",
        &[
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", labels.clone()),
            ("annotations", labels),
            ("UID", Type::String),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", texts()),
        ],
    );
    let condition = object(
        "kubernetes.NamespaceCondition",
        &[
            ("status", Type::String),
            ("type", Type::String),
            ("lastTransitionTime", Type::Timestamp),
            ("message", Type::String),
            ("reason", Type::String),
        ],
    );
    let status = object(
        "kubernetes.NamespaceStatus",
        &[
            ("conditions", Type::list(condition)),
            ("phase", Type::String),
        ],
    );
    let spec = object("kubernetes.NamespaceSpec", &[("finalizers", texts())]);
    object(
        "kubernetes.Namespace",
        &[("metadata", metadata), ("spec", spec), ("status", status)],
    )
}

/// The environments of one policy: the variables that it defines are added as they are compiled.
#[derive(Debug)]
pub(super) struct Environment {
    /// With the authorizer, and without.
    envs: [Env; 2],
    /// The type of `variables`, where the policy defines any.
    defined: Option<Arc<ObjectType>>,
}

const VARIABLES: &str = "variables";

impl Environment {
    pub(super) fn new(params: bool, composed: bool) -> Self {
        let mut base: HashMap<Arc<str>, Type> = HashMap::from([
            ("object".into(), Type::Dyn),
            ("oldObject".into(), Type::Dyn),
            ("namespaceObject".into(), namespace()),
            ("request".into(), request()),
        ]);
        if params {
            base.insert("params".into(), Type::Dyn);
        }
        let mut full = base.clone();
        let of = |name: &str| Type::opaque(&format!("kubernetes.authorization.{name}"));
        full.insert("authorizer".into(), of("Authorizer"));
        full.insert("authorizer.requestResource".into(), of("ResourceCheck"));
        let env = |variables| Env {
            variables,
            hidden: &[],
        };
        let mut this = Self {
            envs: [env(full), env(base)],
            defined: composed.then(|| {
                Arc::new(ObjectType {
                    name: "kubernetes.variables".into(),
                    fields: BTreeMap::new(),
                })
            }),
        };
        this.publish();
        this
    }

    fn publish(&mut self) {
        if let Some(defined) = &self.defined {
            for env in &mut self.envs {
                env.variables
                    .insert(VARIABLES.into(), Type::Object(defined.clone()));
            }
        }
    }

    /// A variable of the policy; its type where it is known.
    pub(super) fn define(&mut self, name: &str, of: Option<Type>) {
        let of = of.unwrap_or(Type::Dyn);
        for env in &mut self.envs {
            // Nothing else may hold the type while it grows.
            env.variables.remove(VARIABLES);
            env.variables
                .insert(format!("{VARIABLES}.{name}").into(), of.clone());
        }
        if let Some(defined) = &mut self.defined {
            Arc::make_mut(defined).fields.insert(name.into(), of);
        }
        self.publish();
    }

    pub(super) fn with(&mut self, authorizer: bool, hidden: &'static [&'static str]) -> &Env {
        let env = &mut self.envs[usize::from(!authorizer)];
        env.hidden = hidden;
        env
    }
}

/// Compiles an expression that must have one of some types; none of them is: any.
pub(super) fn compile(
    source: &str,
    env: &Env,
    returns: &[Type],
) -> Result<(crate::cel::compile::Program, Type), String> {
    let checked = crate::cel::compile::check(source, env)
        .map_err(|issues| format!("compilation failed: {issues}"))?;
    let of = checked.output();
    if !returns.is_empty() && !returns.contains(&of) {
        let names: Vec<String> = returns.iter().map(Type::go_string).collect();
        let got = of.go_string();
        return Err(match names.as_slice() {
            [one] => format!("must evaluate to {one} but got {got}"),
            _ => format!(
                "must evaluate to one of [{}] but got {got}",
                names.join(" ")
            ),
        });
    }
    let program = checked
        .program()
        .map_err(|reason| format!("program instantiation failed: {reason}"))?;
    Ok((program, of))
}
