//! What is wrong with a value, each with its path, in structured-merge-diff's words.

use crate::fields::PathElement;
use std::fmt;

/// Violations of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<(String, String)>);

/// How many are kept: more help nobody, and the input may be hostile.
const PROBLEMS_MAX: usize = 1_000;

impl Problems {
    pub(crate) fn one(message: impl Into<String>) -> Self {
        Self(vec![(String::new(), message.into())])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds problems of what is below `element`.
    pub(crate) fn add_below(&mut self, element: &PathElement, below: Self) {
        if below.is_empty() {
            return;
        }
        let prefix = element.to_string();
        self.add(Self(
            below
                .0
                .into_iter()
                .map(|(path, message)| (format!("{prefix}{path}"), message))
                .collect(),
        ));
    }

    pub(crate) fn add(&mut self, other: Self) {
        let room = PROBLEMS_MAX.saturating_sub(self.0.len());
        self.0.extend(other.0.into_iter().take(room));
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line =
            |f: &mut fmt::Formatter<'_>, (path, message): &(String, String)| match path.as_str() {
                "" => f.write_str(message),
                path => write!(f, "{path}: {message}"),
            };
        match self.0.as_slice() {
            [problem] => line(f, problem),
            problems => {
                f.write_str("errors:")?;
                problems.iter().try_for_each(|problem| {
                    f.write_str("\n  ")?;
                    line(f, problem)
                })
            }
        }
    }
}
