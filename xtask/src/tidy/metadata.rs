//! What `cargo metadata` says, in the few fields that tidy looks at.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

/// One package of the dependency graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: String,
    /// Part of this workspace.
    pub(crate) member: bool,
    /// As written in its manifest.
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// A dev-dependency: tests and examples only.
    pub(crate) dev: bool,
}

/// The members of the workspace and the packages that they ship with, on Linux.
pub(crate) fn load(root: &Path) -> Result<Vec<Package>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(parse(&value))
}

fn parse(metadata: &Value) -> Vec<Package> {
    let members = members(metadata);
    let shipped = shipped(metadata);
    let mut packages = Vec::new();
    for package in list(&metadata["packages"]) {
        let id = package["id"].as_str().unwrap_or_default();
        if !shipped.contains(id) {
            continue;
        }
        packages.push(Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            license: text(&package["license"]),
            member: members.contains(id),
            dependencies: list(&package["dependencies"])
                .iter()
                .map(dependency)
                .collect(),
        });
    }
    packages
}

fn members(metadata: &Value) -> BTreeSet<&str> {
    list(&metadata["workspace_members"])
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// Identifiers of all that a member needs to be built for this platform, itself included.
///
/// `packages` also has what other platforms and features that are off would need.
fn shipped(metadata: &Value) -> BTreeSet<&str> {
    let mut waiting: Vec<&str> = members(metadata).into_iter().collect();
    let mut found = BTreeSet::new();
    let nodes = list(&metadata["resolve"]["nodes"]);
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        for node in nodes.iter().filter(|node| node["id"] == id) {
            let needed = list(&node["deps"]).iter().filter(|edge| ships(edge));
            waiting.extend(needed.filter_map(|edge| edge["pkg"].as_str()));
        }
    }
    found
}

/// Whether an edge of the graph is more than a dev-dependency.
fn ships(edge: &Value) -> bool {
    list(&edge["dep_kinds"])
        .iter()
        .any(|kind| kind["kind"].as_str() != Some("dev"))
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]),
        dev: value["kind"].as_str() == Some("dev"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_the_fields_it_needs() {
        let edge = |id: &str, kind: Option<&str>| serde_json::json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = serde_json::json!({
            "workspace_members": ["a 0"],
            "resolve": {"nodes": [
                {"id": "a 0", "deps": [edge("b 1", None), edge("c 1", Some("dev"))]},
                {"id": "b 1", "deps": []},
                {"id": "c 1", "deps": []},
                {"id": "windows 1", "deps": []},
            ]},
            "packages": [
                {"id": "a 0", "name": "a", "version": "0", "license": "MIT", "dependencies": [
                    {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]},
                {"id": "b 1", "name": "b", "version": "1", "license": null, "dependencies": []},
                {"id": "c 1", "name": "c", "version": "1", "license": "MIT", "dependencies": []},
                {"id": "windows 1", "name": "windows", "version": "1", "dependencies": []},
            ],
        });
        let shown: Vec<String> = parse(&metadata)
            .iter()
            .map(|package| {
                let dependencies: Vec<String> = package
                    .dependencies
                    .iter()
                    .map(|d| format!("{}{}", d.name, if d.dev { "?" } else { "" }))
                    .collect();
                format!(
                    "{} {} {:?} {} {}",
                    package.name,
                    package.version,
                    package.license,
                    package.member,
                    dependencies.join(",")
                )
            })
            .collect();
        assert_eq!(shown, ["a 0 \"MIT\" true b,c?", "b 1 \"\" false "]);
    }
}
