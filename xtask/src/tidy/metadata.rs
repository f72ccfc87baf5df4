//! What `cargo metadata` says, in the few fields that tidy looks at.

use std::{path::Path, process::Command};

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

/// The packages that are built for this platform.
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
    let members: Vec<&str> = list(&metadata["workspace_members"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // `packages` has every platform's; `resolve` only what is built for this one.
    let built: Vec<&str> = list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let mut packages = Vec::new();
    for package in list(&metadata["packages"]) {
        let id = package["id"].as_str().unwrap_or_default();
        if !built.contains(&id) {
            continue;
        }
        packages.push(Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            license: text(&package["license"]),
            member: members.contains(&id),
            dependencies: list(&package["dependencies"])
                .iter()
                .map(dependency)
                .collect(),
        });
    }
    packages
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
        let metadata = serde_json::json!({
            "workspace_members": ["a 0"],
            "resolve": {"nodes": [{"id": "a 0"}, {"id": "b 1"}]},
            "packages": [
                {"id": "a 0", "name": "a", "version": "0", "license": "MIT", "dependencies": [
                    {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]},
                {"id": "b 1", "name": "b", "version": "1", "license": null, "dependencies": []},
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
