//! The ways of the small groups' kinds.

use super::{CRD, Counts, USUAL, Ways};
use crate::{check, meta::name_is_path_segment, view::remove};

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
        check: check::rest::policy_binding,
        check_update: check::rest::policy_binding_update,
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
        check: check::review::local_access,
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SelfSubjectAccessReview",
        check: check::review::self_access,
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SelfSubjectRulesReview",
        ..REVIEW
    },
    Ways {
        of: "authorization.v1.SubjectAccessReview",
        check: check::review::access,
        ..REVIEW
    },
    Ways {
        of: "autoscaling.v1.HorizontalPodAutoscaler",
        status: true,
        counts: Counts::Spec,
        check: check::autoscaler::autoscaler,
        check_update: |new, old, errors| {
            check::updated(new, old, check::autoscaler::autoscaler, errors)
        },
        check_part: check::scaling::part,
        ..USUAL
    },
    Ways {
        of: "autoscaling.v2.HorizontalPodAutoscaler",
        status: true,
        counts: Counts::Spec,
        check: check::autoscaler::autoscaler,
        check_update: |new, old, errors| {
            check::updated(new, old, check::autoscaler::autoscaler, errors)
        },
        check_part: check::scaling::part,
        ..USUAL
    },
    Ways {
        of: "coordination.v1.Lease",
        put_creates: true,
        unconditional: false,
        create: |lease| {
            remove(&mut lease["spec"], "strategy");
            remove(&mut lease["spec"], "preferredHolder");
        },
        check: check::rest::lease,
        check_update: |new, old, errors| check::updated(new, old, check::rest::lease, errors),
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
        check: check::endpoints::slice,
        check_update: check::endpoints::slice_update,
        warn: check::warnings::slice,
        ..USUAL
    },
    Ways {
        of: "events.v1.Event",
        put_creates: true,
        check: check::event::events,
        check_update: check::event::events_update,
        ..USUAL
    },
    Ways {
        of: "networking.v1.IngressClass",
        counts: Counts::Spec,
        check: check::ingress::class,
        check_update: check::ingress::class_update,
        ..USUAL
    },
    Ways {
        of: "networking.v1.Ingress",
        status: true,
        counts: Counts::Spec,
        check: check::ingress::ingress,
        check_update: check::ingress::ingress_update,
        warn: check::ingress::warn,
        ..USUAL
    },
    Ways {
        of: "networking.v1.NetworkPolicy",
        counts: Counts::Spec,
        check: check::network_policy::policy,
        check_update: |new, old, errors| {
            check::updated(new, old, check::network_policy::policy, errors)
        },
        ..USUAL
    },
    Ways {
        of: "policy.v1.PodDisruptionBudget",
        name: name_is_path_segment,
        meta_last: true,
        status: true,
        counts: Counts::Spec,
        unconditional: false,
        check: check::rest::disruption_budget,
        check_update: |new, old, errors| {
            check::updated(new, old, check::rest::disruption_budget, errors)
        },
        ..USUAL
    },
    Ways {
        of: "rbac.v1.ClusterRole",
        check: check::rbac::cluster_role,
        check_update: check::rbac::cluster_role_update,
        ..ROLE
    },
    Ways {
        of: "rbac.v1.Role",
        check: check::rbac::role,
        check_update: check::rbac::role_update,
        ..ROLE
    },
    Ways {
        of: "rbac.v1.ClusterRoleBinding",
        check: check::rbac::cluster_binding,
        check_update: check::rbac::cluster_binding_update,
        ..ROLE
    },
    Ways {
        of: "rbac.v1.RoleBinding",
        check: check::rbac::binding,
        check_update: check::rbac::binding_update,
        ..ROLE
    },
    Ways {
        of: "scheduling.v1.PriorityClass",
        counts: Counts::Creation,
        check: check::rest::priority_class,
        check_update: check::rest::priority_class_update,
        ..USUAL
    },
    Ways {
        of: "storage.v1.StorageClass",
        check: check::rest::storage_class,
        check_update: check::rest::storage_class_update,
        ..USUAL
    },
];
