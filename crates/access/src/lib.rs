//! Who may do what: certificates, tokens, service accounts, RBAC.
