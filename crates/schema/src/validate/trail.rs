//! Where a value is, as kube-openapi writes it: `spec.list[0].name`. Written only where there is an error.

use std::fmt;

/// A place below the value that is validated.
#[derive(Clone, Copy)]
pub(super) enum Trail<'a> {
    Root,
    /// A named property.
    Property(&'a Trail<'a>, &'a str),
    /// A property without a name of its own, or one that is missing: has a dot even at the root.
    Dotted(&'a Trail<'a>, &'a str),
    Index(&'a Trail<'a>, usize),
}

impl Trail<'_> {
    pub(super) fn is_root(&self) -> bool {
        matches!(self, Trail::Root)
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trail::Root => Ok(()),
            Trail::Property(Trail::Root, name) => f.write_str(name),
            Trail::Property(parent, name) | Trail::Dotted(parent, name) => {
                write!(f, "{parent}.{name}")
            }
            Trail::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
