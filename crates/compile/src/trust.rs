//! Trust in backends: what a policy's or a Backend's references to authorities resolve to.

use std::{collections::BTreeSet, sync::Arc};

use tidegate_routing::{Certificate, TrustAnchors};

use crate::{
    graph::Node,
    key::{Kind, ObjectKey},
    object::{material::Authorities, policy::Trust, reference::Reference},
    state::Store,
};

/// A reason and a text for a condition.
pub(crate) type Reason = (&'static str, Arc<str>);

/// What became of a policy's trust.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TrustOutcome {
    /// `None`: connections must fail.
    pub(crate) anchors: Option<TrustAnchors>,
    /// Why it's not accepted.
    pub(crate) refusal: Option<Reason>,
    /// What couldn't be resolved.
    pub(crate) unresolved: Option<Reason>,
}

/// Reasons for references to authorities, which are named differently in different places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthorityReasons {
    pub(crate) kind: &'static str,
}

impl Store {
    /// Resolves whom a backend's certificate must be signed by.
    pub(crate) fn trust(&self, trust: &Trust, uses: &mut BTreeSet<Node>) -> TrustOutcome {
        if let Some(fault) = &trust.fault {
            return TrustOutcome {
                refusal: Some(("Invalid", fault.clone())),
                ..TrustOutcome::default()
            };
        }
        if let Some(name) = &trust.well_known {
            if &**name != "System" {
                let text = format!("wellKnownCACertificates {name:?} is not known");
                return TrustOutcome {
                    refusal: Some(("Invalid", text.into())),
                    ..TrustOutcome::default()
                };
            }
            return TrustOutcome {
                anchors: Some(TrustAnchors::System),
                ..TrustOutcome::default()
            };
        }
        let reasons = AuthorityReasons {
            kind: "InvalidKind",
        };
        let (found, unresolved) = self.authorities(&trust.authorities, reasons, |_| true, uses);
        // What was good before is still trusted, but it's no reason to accept what is there now.
        let is_usable = |reference| self.is_authority_good(reference);
        let refusal = (!trust.authorities.iter().any(is_usable)).then(|| {
            let text = "none of its references to authorities can be used";
            ("NoValidCACertificate", text.into())
        });
        TrustOutcome {
            anchors: (!found.is_empty()).then_some(TrustAnchors::Given(found)),
            refusal,
            unresolved,
        }
    }

    /// All certificates of authorities that references lead to, and what is wrong with the first that leads nowhere.
    pub(crate) fn authorities(
        &self,
        references: &[Reference],
        reasons: AuthorityReasons,
        permitted: impl Fn(&Reference) -> bool,
        uses: &mut BTreeSet<Node>,
    ) -> (Vec<Vec<u8>>, Option<Reason>) {
        let mut found = Vec::new();
        let mut fault: Option<Reason> = None;
        for reference in references {
            let outcome = match reference.known(&[Kind::ConfigMap, Kind::Secret]) {
                None => Err((
                    reasons.kind,
                    format!(
                        "{} is of a kind that can't hold authorities",
                        reference.text()
                    )
                    .into(),
                )),
                Some(kind) => {
                    uses.insert(Node::Object(kind, reference.key.clone()));
                    if permitted(reference) {
                        let (good, why) = self.authority(kind, &reference.key);
                        found.extend(good.iter().flat_map(|good| good.iter().cloned()));
                        why.map_or(Ok(()), |why| {
                            let text = format!("{}: {why}", reference.text());
                            Err(("InvalidCACertificateRef", text.into()))
                        })
                    } else {
                        let text =
                            format!("no ReferenceGrant allows to refer to {}", reference.text());
                        Err(("RefNotPermitted", text.into()))
                    }
                }
            };
            if let Err(why) = outcome {
                fault = fault.or(Some(why));
            }
        }
        (found, fault)
    }

    fn is_authority_good(&self, reference: &Reference) -> bool {
        reference
            .known(&[Kind::ConfigMap, Kind::Secret])
            .is_some_and(|kind| matches!(self.authority(kind, &reference.key), (Some(_), None)))
    }

    /// What is good there, and what is wrong with it.
    fn authority(&self, kind: Kind, key: &ObjectKey) -> (Option<&Authorities>, Option<Arc<str>>) {
        let held = match kind {
            Kind::ConfigMap => self.config_maps.get(key).map(|one| &one.authorities),
            _ => self.secrets.get(key).map(|one| &one.authorities),
        };
        match held {
            None => (None, Some("it doesn't exist".into())),
            Some(held) => (
                held.good.as_ref(),
                held.fault.as_ref().map(|fault| fault.text().into()),
            ),
        }
    }

    /// The certificate and key that a reference leads to, and what is wrong with them. Both: the latest is broken, but
    /// an earlier one was good.
    pub(crate) fn certificate(
        &self,
        reference: &Reference,
        uses: &mut BTreeSet<Node>,
    ) -> (Option<Arc<Certificate>>, Option<Arc<str>>) {
        if reference.known(&[Kind::Secret]).is_none() {
            let text = format!(
                "{} is of a kind that can't hold a certificate",
                reference.text()
            );
            return (None, Some(text.into()));
        }
        uses.insert(Node::Object(Kind::Secret, reference.key.clone()));
        let Some(secret) = self.secrets.get(&reference.key) else {
            return (
                None,
                Some(format!("{} doesn't exist", reference.text()).into()),
            );
        };
        let held = &secret.certificate;
        let fault = held
            .fault
            .as_ref()
            .map(|fault| format!("{}: {}", reference.text(), fault.text()).into());
        (held.good.clone(), fault)
    }

    /// Whether an object of a kind in a namespace may refer to this.
    pub(crate) fn is_permitted(
        &self,
        from: Kind,
        home: &str,
        to: &Reference,
        uses: &mut BTreeSet<Node>,
    ) -> bool {
        if *to.key.namespace == *home {
            return true;
        }
        uses.insert(Node::GrantsIn(to.key.namespace.clone()));
        self.grants
            .get(&to.key.namespace)
            .is_some_and(|grants| grants.values().any(|grant| grant.allows(from, home, to)))
    }
}
