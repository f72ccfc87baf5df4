//! The authorizer: who may do what, asked of the server while an expression runs.

use super::{formats, no_overload, opaque::Opaque};
use crate::{
    cel::value::{Fault, Outcome, Value},
    policy::{Ask, Authorize, Verdict},
};
use std::{fmt, sync::Arc};

/// The authorizer, asking for one user.
#[derive(Clone, Copy)]
pub(crate) struct AuthorizerBase<'a> {
    pub(crate) authorize: &'a dyn Authorize,
}

impl fmt::Debug for AuthorizerBase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizerBase")
    }
}

/// Who asks: the request's user, or a service account.
#[derive(Debug, Clone)]
pub(crate) struct Asker<'a> {
    base: AuthorizerBase<'a>,
    service_account: Option<(Arc<str>, Arc<str>)>,
}

/// `authorizer.path(…)`
#[derive(Debug, Clone)]
pub(crate) struct PathCheck<'a> {
    asker: Asker<'a>,
    path: Arc<str>,
}

/// `authorizer.group(…)`; without a group the authorizer itself.
#[derive(Debug, Clone)]
pub(crate) struct GroupCheck<'a> {
    asker: Asker<'a>,
    group: Option<Arc<str>>,
}

/// `authorizer.group(…).resource(…)`
#[derive(Debug, Clone)]
pub(crate) struct ResourceCheck<'a> {
    asker: Asker<'a>,
    ask: Ask,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision(Verdict);

impl<'a> ResourceCheck<'a> {
    /// `authorizer.requestResource`
    pub(crate) fn new(authorize: &'a dyn Authorize, ask: Ask) -> Self {
        Self {
            asker: Asker {
                base: AuthorizerBase { authorize },
                service_account: None,
            },
            ask,
        }
    }
}

fn wrap<'a>(opaque: Opaque<'a>) -> Outcome<'a> {
    Ok(Value::Opaque(Arc::new(opaque)))
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    let Some(Value::Opaque(first)) = args.first() else {
        return None;
    };
    let texts: Vec<&str> = args[1..].iter().filter_map(Value::as_str).collect();
    let known = matches!(
        **first,
        Opaque::Authorizer(_)
            | Opaque::Path(_)
            | Opaque::Group(_)
            | Opaque::Resource(_)
            | Opaque::Decision(_)
    );
    if known && texts.len() != args.len() - 1 {
        return Some(Err(no_overload(name, args)));
    }
    match &**first {
        Opaque::Authorizer(base) => {
            let asker = Asker {
                base: *base,
                service_account: None,
            };
            of_asker(name, &asker, &texts)
        }
        Opaque::Group(check) => match (&check.group, name, texts.as_slice()) {
            (None, name, texts) => of_asker(name, &check.asker, texts),
            (Some(group), "resource", [resource]) => Some(if resource.trim().is_empty() {
                Err(Fault::new("resource must not be empty"))
            } else {
                wrap(Opaque::Resource(Box::new(ResourceCheck {
                    asker: check.asker.clone(),
                    ask: Ask {
                        group: group.to_string(),
                        resource: (*resource).to_owned(),
                        ..Ask::default()
                    },
                })))
            }),
            _ => None,
        },
        Opaque::Path(check) => match (name, texts.as_slice()) {
            ("check", [verb]) => Some(decide(
                &check.asker,
                Ask {
                    path: Some(check.path.to_string()),
                    ..Ask::default()
                },
                verb,
            )),
            _ => None,
        },
        Opaque::Resource(check) => of_resource(name, check, &texts),
        Opaque::Decision(decision) => of_decision(name, &decision.0),
        _ => None,
    }
}

fn of_asker<'a>(name: &str, asker: &Asker<'a>, texts: &[&str]) -> Option<Outcome<'a>> {
    Some(match (name, texts) {
        ("path", [path]) if path.trim().is_empty() => Err(Fault::new("path must not be empty")),
        ("path", [path]) => wrap(Opaque::Path(PathCheck {
            asker: asker.clone(),
            path: (*path).into(),
        })),
        ("group", [group]) => wrap(Opaque::Group(GroupCheck {
            asker: asker.clone(),
            group: Some((*group).into()),
        })),
        ("serviceAccount", [namespace, account]) => {
            if !formats::dns1123_subdomain(account).is_empty() {
                return Some(Err(Fault::new("Invalid service account name")));
            }
            if !formats::dns1123_label(namespace).is_empty() {
                return Some(Err(Fault::new("Invalid service account namespace")));
            }
            wrap(Opaque::Group(GroupCheck {
                asker: Asker {
                    base: asker.base,
                    service_account: Some(((*namespace).into(), (*account).into())),
                },
                group: None,
            }))
        }
        _ => return None,
    })
}

fn of_resource<'a>(name: &str, check: &ResourceCheck<'a>, texts: &[&str]) -> Option<Outcome<'a>> {
    let [text] = texts else {
        return None;
    };
    let mut check = check.clone();
    let text = (*text).to_owned();
    match name {
        "subresource" => check.ask.subresource = text,
        "namespace" => check.ask.namespace = text,
        "name" => check.ask.name = text,
        "fieldSelector" => check.ask.field_selector = text,
        "labelSelector" => check.ask.label_selector = text,
        "check" => return Some(decide(&check.asker, check.ask, &text)),
        _ => return None,
    }
    Some(wrap(Opaque::Resource(Box::new(check))))
}

fn decide<'a>(asker: &Asker<'a>, ask: Ask, verb: &str) -> Outcome<'a> {
    let account = asker
        .service_account
        .as_ref()
        .map(|(namespace, name)| (namespace.to_string(), name.to_string()));
    let ask = Ask {
        verb: verb.to_owned(),
        service_account: account,
        ..ask
    };
    wrap(Opaque::Decision(Decision(
        asker.base.authorize.authorize(&ask),
    )))
}

fn of_decision<'a>(name: &str, verdict: &Verdict) -> Option<Outcome<'a>> {
    Some(Ok(match name {
        "allowed" => Value::Bool(verdict.allowed),
        "reason" => Value::text(&verdict.reason),
        "errored" => Value::Bool(verdict.error.is_some()),
        "error" => Value::text(verdict.error.as_deref().unwrap_or_default()),
        _ => return None,
    }))
}
