//! The recorded files that are part of the program. They stay compressed until they are asked for.

use flate2::read::GzDecoder;
use std::io::Read;

/// The kinds, as discovery lists them.
pub(crate) const KINDS: &str = include_str!("../data/kinds.json");
/// The columns of the kinds' tables, by path.
pub(crate) const COLUMNS: &[u8] = include_bytes!("../data/columns.json.gz");
/// The Go types behind the kinds.
pub(crate) const TYPES: &[u8] = include_bytes!("../data/types.txt.gz");
/// The server's own types.
pub(crate) const INTERNAL: &str = include_str!("../data/internal.txt");
/// The names of the time zone database, one a line.
pub(crate) const TIME_ZONES: &str = include_str!("../data/time_zones.txt");
/// The document of version 2.
pub(crate) const OPENAPI_V2: &[u8] = include_bytes!("../data/openapi/v2.json.gz");

macro_rules! documents {
    ($($path:literal = $file:literal,)*) => {
        /// The documents of version 3 by their path.
        pub(crate) const OPENAPI_V3: &[(&str, &[u8])] = &[
            $(($path, include_bytes!(concat!("../data/openapi/", $file, ".json.gz"))),)*
        ];
    };
}

documents! {
    "api" = "api",
    "api/v1" = "api_v1",
    "apis" = "apis",
    "apis/admissionregistration.k8s.io" = "apis_admissionregistration.k8s.io",
    "apis/admissionregistration.k8s.io/v1" = "apis_admissionregistration.k8s.io_v1",
    "apis/apiextensions.k8s.io" = "apis_apiextensions.k8s.io",
    "apis/apiextensions.k8s.io/v1" = "apis_apiextensions.k8s.io_v1",
    "apis/apps" = "apis_apps",
    "apis/apps/v1" = "apis_apps_v1",
    "apis/authentication.k8s.io" = "apis_authentication.k8s.io",
    "apis/authentication.k8s.io/v1" = "apis_authentication.k8s.io_v1",
    "apis/authorization.k8s.io" = "apis_authorization.k8s.io",
    "apis/authorization.k8s.io/v1" = "apis_authorization.k8s.io_v1",
    "apis/autoscaling" = "apis_autoscaling",
    "apis/autoscaling/v1" = "apis_autoscaling_v1",
    "apis/autoscaling/v2" = "apis_autoscaling_v2",
    "apis/batch" = "apis_batch",
    "apis/batch/v1" = "apis_batch_v1",
    "apis/coordination.k8s.io" = "apis_coordination.k8s.io",
    "apis/coordination.k8s.io/v1" = "apis_coordination.k8s.io_v1",
    "apis/discovery.k8s.io" = "apis_discovery.k8s.io",
    "apis/discovery.k8s.io/v1" = "apis_discovery.k8s.io_v1",
    "apis/events.k8s.io" = "apis_events.k8s.io",
    "apis/events.k8s.io/v1" = "apis_events.k8s.io_v1",
    "apis/networking.k8s.io" = "apis_networking.k8s.io",
    "apis/networking.k8s.io/v1" = "apis_networking.k8s.io_v1",
    "apis/policy" = "apis_policy",
    "apis/policy/v1" = "apis_policy_v1",
    "apis/rbac.authorization.k8s.io" = "apis_rbac.authorization.k8s.io",
    "apis/rbac.authorization.k8s.io/v1" = "apis_rbac.authorization.k8s.io_v1",
    "apis/scheduling.k8s.io" = "apis_scheduling.k8s.io",
    "apis/scheduling.k8s.io/v1" = "apis_scheduling.k8s.io_v1",
    "apis/storage.k8s.io" = "apis_storage.k8s.io",
    "apis/storage.k8s.io/v1" = "apis_storage.k8s.io_v1",
    "openid/v1/jwks" = "openid_v1_jwks",
    "version" = "version",
    ".well-known/openid-configuration" = "well-known_openid-configuration",
}

/// Unpacks a recorded text.
pub(crate) fn text(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("invariant: recorded files are sound");
    text
}

/// Unpacks a recorded document.
pub(crate) fn bytes(packed: &[u8]) -> Vec<u8> {
    text(packed).into_bytes()
}
