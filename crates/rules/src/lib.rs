//! Kubernetes' CEL rules: those of custom resources' schemas, and validating admission policies.
