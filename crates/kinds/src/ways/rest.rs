//! The ways of the small groups' kinds.

use super::{CRD, Counts, USUAL, Ways};
use crate::{
    check,
    meta::name_is_path_segment,
    view::{list, remove},
};

const REVIEW: Ways = Ways {
    review: true,
    ..USUAL
};

/// RBAC: any name that fits a path, and a PUT may create.
const ROLE: Ways = Ways {
    name: name_is_path_segment,
    put_creates: true,
    ..USUAL
};

pub(super) const ALL: &[Ways] = &[
    Ways {
        of: "admissionregistration.v1.ValidatingAdmissionPolicy",
        status: true,
        counts: Counts::Spec,
        unconditional: false,
        ..USUAL
    },
    Ways {
        of: "admissionregistration.v1.ValidatingAdmissionPolicyBinding",
        counts: Counts::Spec,
        unconditional: false,
        ..USUAL
    },
    Ways {
        of: CRD,
        status: true,
        counts: Counts::Spec,
        unconditional: false,
        ..USUAL
    },
    Ways {
        of: "authentication.v1.TokenReview",
        ..REVIEW
    },
    Ways {
        of: "authentication.v1.SelfSubjectReview",
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.LocalSubjectAccessReview",
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SelfSubjectAccessReview",
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SelfSubjectRulesReview",
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SubjectAccessReview",
        ..REVIEW
    },
    Ways {
        of: "autoscaling.v1.HorizontalPodAutoscaler",
        status: true,
        counts: Counts::Spec,
        ..USUAL
    },
    Ways {
        of: "autoscaling.v2.HorizontalPodAutoscaler",
        status: true,
        counts: Counts::Spec,
        ..USUAL
    },
    Ways {
        of: "coordination.v1.Lease",
        put_creates: true,
        unconditional: false,
        ..USUAL
    },
    Ways {
        of: "discovery.v1.EndpointSlice",
        counts: Counts::Content,
        create: |slice| {
            for endpoint in slice
                .get_mut("endpoints")
                .and_then(|all| all.as_array_mut())
                .into_iter()
                .flatten()
            {
                remove(endpoint, "deprecatedTopology");
            }
        },
        update: |new, old, _| {
            if new["endpoints"] != old["endpoints"] {
                for endpoint in new
                    .get_mut("endpoints")
                    .and_then(|all| all.as_array_mut())
                    .into_iter()
                    .flatten()
                {
                    remove(endpoint, "deprecatedTopology");
                }
            }
        },
        warn: |new, _, warnings| {
            let family = &new["addressType"];
            if family == "FQDN" && !list(&new["endpoints"]).is_empty() {
                warnings.push("addressType: FQDN endpoints are deprecated".to_owned());
            }
        },
        ..USUAL
    },
    Ways {
        of: "events.v1.Event",
        put_creates: true,
        ..USUAL
    },
    Ways {
        of: "networking.v1.IngressClass",
        counts: Counts::Spec,
        ..USUAL
    },
    Ways {
        of: "networking.v1.Ingress",
        status: true,
        counts: Counts::Spec,
        ..USUAL
    },
    Ways {
        of: "networking.v1.NetworkPolicy",
        counts: Counts::Spec,
        ..USUAL
    },
    Ways {
        of: "policy.v1.PodDisruptionBudget",
        status: true,
        counts: Counts::Spec,
        unconditional: false,
        ..USUAL
    },
    Ways {
        of: "rbac.v1.ClusterRole",
        ..ROLE
    },
    Ways {
        of: "rbac.v1.Role",
        ..ROLE
    },
    Ways {
        of: "rbac.v1.ClusterRoleBinding",
        ..ROLE
    },
    Ways {
        of: "rbac.v1.RoleBinding",
        ..ROLE
    },
    Ways {
        of: "scheduling.v1.PriorityClass",
        counts: Counts::Creation,
        ..USUAL
    },
    Ways {
        of: "storage.v1.StorageClass",
        ..USUAL
    },
];
