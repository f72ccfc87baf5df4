//! The manifests of our own resources, to be applied to an API server.

/// CustomResourceDefinitions of `tidegate.dev`, as YAML, with their file's names.
pub const CUSTOM_RESOURCE_DEFINITIONS: &[(&str, &str)] = &[(
    "tidegate.dev_backends.yaml",
    include_str!("../crds/tidegate.dev_backends.yaml"),
)];
