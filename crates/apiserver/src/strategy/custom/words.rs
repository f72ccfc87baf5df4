//! Words about custom resources that are served, but better not be.

use tidegate_crd::{Definition, Version};
use tidegate_kinds::meta;

/// Words about a finalizer's name, which custom resources choose freely.
pub(super) fn finalizer_warnings(name: &str) -> Vec<String> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let warning = |why: &str| format!("metadata.finalizers: {name:?}: {why}");
    let mut warnings: Vec<String> = meta::qualified_name_errors(name)
        .iter()
        .map(|why| warning(why))
        .collect();
    if !name.contains('/') && !STANDARD.contains(&name) {
        warnings.push(warning(if name.contains('.') {
            "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other \
             finalizer writers"
        } else {
            "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
        }));
    }
    warnings
}

/// The words about a deprecated version: with the best one that is not, if there is one.
pub(super) fn deprecated(definition: &Definition, version: &Version) -> String {
    let kind = &definition.names.kind;
    let named = |version: &str| format!("{}/{version} {kind}", definition.group);
    let mut better: Vec<&str> = definition
        .versions
        .iter()
        .filter(|other| other.served && !other.deprecated)
        .map(|other| other.name.as_str())
        .collect();
    better.sort_by_key(|name| std::cmp::Reverse(crate::registry::version_priority(name)));
    match better.first() {
        Some(better) => format!(
            "{} is deprecated; use {}",
            named(&version.name),
            named(better)
        ),
        None => format!("{} is deprecated", named(&version.name)),
    }
}
