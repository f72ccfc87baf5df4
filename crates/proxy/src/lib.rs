//! The data plane: serves HTTP from a routing snapshot. Holds no Kubernetes type.
