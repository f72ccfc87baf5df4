//! Rule: dependencies point one way. The table says which crate of the workspace may use which.
//!
//! A crate that the table lacks is a violation: decide where it stands before it grows.

use super::{Violation, metadata::Package};

const RULE: &str = "edge";

/// What one crate may depend on.
struct Allowed {
    name: &'static str,
    /// Crates of the workspace, in what ships.
    uses: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes and objects in, values out: no IO, no clock.
    Pure,
    /// A library with IO. Its errors are types, never text.
    Library,
    /// A program, or a fixture of tests.
    Program,
}

const TABLE: &[Allowed] = &[
    Allowed {
        name: "tidegate-wire",
        uses: &[],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-pack",
        uses: &[],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-client",
        uses: &[],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-informer",
        uses: &["tidegate-wire", "tidegate-pack", "tidegate-client"],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-routing",
        uses: &[],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-http",
        uses: &[],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-balance",
        uses: &["tidegate-routing"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-compile",
        uses: &["tidegate-routing"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-proxy",
        uses: &["tidegate-routing", "tidegate-http", "tidegate-balance"],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-control",
        uses: &[
            "tidegate-routing",
            "tidegate-compile",
            "tidegate-proxy",
            "tidegate-informer",
            "tidegate-client",
        ],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-store",
        uses: &[],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-schema",
        uses: &[],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-rules",
        uses: &["tidegate-schema"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-crd",
        uses: &["tidegate-schema", "tidegate-rules"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-merge",
        uses: &["tidegate-schema"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-kinds",
        uses: &["tidegate-schema"],
        kind: Kind::Pure,
    },
    Allowed {
        name: "tidegate-access",
        uses: &[],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate-apiserver",
        uses: &[
            "tidegate-store",
            "tidegate-schema",
            "tidegate-rules",
            "tidegate-crd",
            "tidegate-merge",
            "tidegate-kinds",
            "tidegate-access",
        ],
        kind: Kind::Library,
    },
    Allowed {
        name: "tidegate",
        uses: &[
            "tidegate-informer",
            "tidegate-client",
            "tidegate-http",
            "tidegate-schema",
            "tidegate-apiserver",
            "tidegate-control",
            "tidegate-proxy",
            "tidegate-routing",
            "tidegate-compile",
        ],
        kind: Kind::Program,
    },
    Allowed {
        name: "tidegate-testcluster",
        uses: &[],
        kind: Kind::Program,
    },
    Allowed {
        name: "tidegate-instructions",
        uses: &[
            "tidegate-wire",
            "tidegate-pack",
            "tidegate-http",
            "tidegate-routing",
            "tidegate-proxy",
        ],
        kind: Kind::Program,
    },
    Allowed {
        name: "informer-bench-protocol",
        uses: &[],
        kind: Kind::Program,
    },
    Allowed {
        name: "informer-bench",
        uses: &["informer-bench-protocol", "tidegate-informer"],
        kind: Kind::Program,
    },
    Allowed {
        name: "gateway-changes",
        uses: &["tidegate-client"],
        kind: Kind::Program,
    },
    Allowed {
        name: "apiserver-bench",
        uses: &["informer-bench-protocol", "tidegate-client"],
        kind: Kind::Program,
    },
    Allowed {
        name: "proxy-bench",
        uses: &["informer-bench-protocol"],
        kind: Kind::Program,
    },
    Allowed {
        name: "proxy-engine",
        uses: &["tidegate-proxy", "tidegate-routing"],
        kind: Kind::Program,
    },
    Allowed {
        name: "xtask",
        uses: &[],
        kind: Kind::Program,
    },
];

/// May be used by tests of every crate, and by nothing that ships.
const FOR_TESTS: &str = "tidegate-testcluster";

/// What a pure crate must not depend on.
const IO: &[&str] = &[
    "tokio",
    "hyper",
    "hyper-util",
    "hyper-rustls",
    "h2",
    "http-body",
    "kube",
    "reqwest",
    "mio",
    "socket2",
    "rustls",
    "tower",
    "async-std",
    "smol",
    "rand",
    "getrandom",
    "sqlx",
];

/// What a library must not depend on: errors without a type.
const UNTYPED_ERRORS: &[&str] = &["anyhow", "eyre", "color-eyre"];

pub(crate) fn check(packages: &[Package], found: &mut Vec<Violation>) {
    let members: Vec<&Package> = packages.iter().filter(|package| package.member).collect();
    for package in &members {
        let complain = |advice: String, found: &mut Vec<Violation>| {
            found.push(Violation::new(&package.name, 0, RULE, &advice));
        };
        let Some(allowed) = TABLE.iter().find(|allowed| allowed.name == package.name) else {
            complain(
                "unknown crate: add it to the table of edges".to_owned(),
                found,
            );
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let ours = members.iter().any(|member| member.name == name);
            if ours && !allowed.uses.contains(&name) && !(dependency.dev && name == FOR_TESTS) {
                let kind = if dependency.dev { " in tests" } else { "" };
                complain(format!("must not depend on `{name}`{kind}"), found);
            }
            if !dependency.dev && allowed.kind == Kind::Pure && IO.contains(&name) {
                complain(format!("does no IO: must not depend on `{name}`"), found);
            }
            if !dependency.dev && allowed.kind != Kind::Program && UNTYPED_ERRORS.contains(&name) {
                complain(format!("`{name}`: a library's errors are types"), found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::metadata::{Dependency, Package};

    /// A package is `name: dependency dev?`.
    fn complaints(packages: &[&str]) -> String {
        let packages: Vec<Package> = packages
            .iter()
            .map(|text| {
                let (name, dependencies) = text.split_once(':').expect("a colon");
                let dependencies = dependencies
                    .split_whitespace()
                    .map(|word| Dependency {
                        name: word.trim_end_matches('?').to_owned(),
                        dev: word.ends_with('?'),
                    })
                    .collect();
                Package {
                    name: name.to_owned(),
                    member: true,
                    dependencies,
                    ..Package::default()
                }
            })
            .collect();
        let mut found = Vec::new();
        check(&packages, &mut found);
        found
            .iter()
            .map(|violation| format!("{} {}", violation.path, violation.advice))
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn accepts_edges_that_point_down() {
        assert_eq!(
            complaints(&[
                "tidegate-informer: tidegate-wire tokio",
                "tidegate-wire: memchr tokio?"
            ]),
            ""
        );
        assert_eq!(
            complaints(&[
                "tidegate-client: tidegate-testcluster?",
                "tidegate-testcluster: anyhow"
            ]),
            ""
        );
    }

    #[test]
    fn rejects_edges_that_point_up() {
        assert_eq!(
            complaints(&["tidegate-wire: tidegate-informer", "tidegate-informer:"]),
            "tidegate-wire must not depend on `tidegate-informer`"
        );
        assert_eq!(
            complaints(&["tidegate: tidegate-testcluster", "tidegate-testcluster:"]),
            "tidegate must not depend on `tidegate-testcluster`"
        );
    }

    #[test]
    fn rejects_io_and_untyped_errors() {
        assert_eq!(
            complaints(&["tidegate-pack: tokio"]),
            "tidegate-pack does no IO: must not depend on `tokio`"
        );
        assert_eq!(
            complaints(&["tidegate-client: anyhow"]),
            "tidegate-client `anyhow`: a library's errors are types"
        );
    }

    #[test]
    fn rejects_crates_without_a_place() {
        assert_eq!(
            complaints(&["tidegate-new:"]),
            "tidegate-new unknown crate: add it to the table of edges"
        );
    }
}
