//! The built-in kinds: schema, defaults, validation and table columns of each.
