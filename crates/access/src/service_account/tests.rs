//! Tokens of service accounts, against all that can have become of what they are bound to.
