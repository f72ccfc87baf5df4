#!/usr/bin/env python3
"""Records which fields Kubernetes' protobuf messages have, and what JSON calls them.

usage: scripts/record-protobuf.py

Reads the .proto files and the Go types of the modules that testcluster/go.mod pins, and writes
crates/apiserver/src/protobuf/messages.txt. Numbers and types are the .proto files'; names, and which messages
are part of the one around them, are what the tags of the Go types say.
"""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "crates/apiserver/src/protobuf/messages.txt"
VERSIONS = {
    "k8s.io/api": [
        ("core/v1", "v1"),
        ("apps/v1", "apps/v1"),
        ("batch/v1", "batch/v1"),
        ("autoscaling/v1", "autoscaling/v1"),
        ("autoscaling/v2", "autoscaling/v2"),
        ("policy/v1", "policy/v1"),
        ("networking/v1", "networking.k8s.io/v1"),
        ("discovery/v1", "discovery.k8s.io/v1"),
        ("coordination/v1", "coordination.k8s.io/v1"),
        ("events/v1", "events.k8s.io/v1"),
        ("storage/v1", "storage.k8s.io/v1"),
        ("scheduling/v1", "scheduling.k8s.io/v1"),
        ("rbac/v1", "rbac.authorization.k8s.io/v1"),
        ("authorization/v1", "authorization.k8s.io/v1"),
        ("authentication/v1", "authentication.k8s.io/v1"),
        ("admissionregistration/v1", "admissionregistration.k8s.io/v1"),
    ],
    "k8s.io/apiextensions-apiserver": [("pkg/apis/apiextensions/v1", "apiextensions.k8s.io/v1")],
    "k8s.io/apimachinery": [("pkg/apis/meta/v1", "meta.k8s.io/v1")],
}
SCALARS = {
    "string": "string",
    "bool": "bool",
    "int32": "int",
    "int64": "int",
    "uint32": "int",
    "uint64": "int",
    "double": "double",
    "bytes": "bytes",
}
# Messages that JSON writes as something else.
SPECIAL = {
    "meta.k8s.io/v1.Time": "time",
    "meta.k8s.io/v1.MicroTime": "microtime",
    "meta.k8s.io/v1.FieldsV1": "json",
    "apiextensions.k8s.io/v1.JSON": "json",
    "apiextensions.k8s.io/v1.JSONSchemaPropsOrArray": "schema-or-array",
    "apiextensions.k8s.io/v1.JSONSchemaPropsOrBool": "schema-or-bool",
    "apiextensions.k8s.io/v1.JSONSchemaPropsOrStringArray": "schema-or-strings",
    "k8s.io.apimachinery.pkg.runtime.RawExtension": "json",
    "k8s.io.apimachinery.pkg.api.resource.Quantity": "quantity",
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
}
FIELD = re.compile(r"^ *(optional|repeated) ([\w.]+) (\w+) = (\d+);")
MAP = re.compile(r"^ *map<string, ([\w.]+)> (\w+) = (\d+);")
TAGS = re.compile(r'`json:"([^",]*)[^"]*"[^`]*protobuf:"[a-z0-9]+,(\d+)')


def directory(module):
    command = ["go", "list", "-m", "-f", "{{.Dir}}", module]
    return pathlib.Path(subprocess.check_output(command, cwd=ROOT / "testcluster", text=True).strip())


def names(folder):
    """What JSON calls each field: of (type, number)."""
    found, struct = {}, None
    for path in sorted(folder.glob("*.go")):
        if path.name.startswith("zz_") or path.name.endswith(("_test.go", ".pb.go")):
            continue
        for line in path.read_text().splitlines():
            if begins := re.match(r"^type (\w+) struct \{", line):
                struct = begins[1]
            elif line == "}":
                struct = None
            elif struct and (tags := TAGS.search(line)):
                found[struct, int(tags[2])] = tags[1]
    return found


def main():
    folders, packages = [], {}
    for module, versions in VERSIONS.items():
        root = directory(module)
        for folder, version in versions:
            folders.append((root / folder, version))
    for folder, version in folders:
        package = re.search(r"^package ([\w.]+);", (folder / "generated.proto").read_text(), re.M)[1]
        packages[package] = version

    def code(kind, version):
        if kind in SCALARS:
            return SCALARS[kind]
        package, _, name = kind.lstrip(".").rpartition(".")
        full = f"{packages.get(package, package) if package else version}.{name}"
        return SPECIAL.get(full, full)

    messages, wrappers = {}, set()
    for folder, version in folders:
        called, message = names(folder), None
        for line in (folder / "generated.proto").read_text().splitlines():
            if begins := re.match(r"^message (\w+) \{", line):
                message = begins[1]
                fields = messages.setdefault(f"{version}.{message}", [])
            elif found := FIELD.match(line):
                label, kind, name, number = found.groups()
                if (label, kind, name) == ("repeated", "string", "items"):
                    wrappers.add(f"{version}.{message}")
                name = called.get((message, int(number)), name)
                many = "[]" if label == "repeated" else ""
                fields.append((int(number), name or ".", many + code(kind, version)))
            elif found := MAP.match(line):
                kind, name, number = found.groups()
                name = called.get((message, int(number)), name)
                fields.append((int(number), name or ".", "{}" + code(kind, version)))

    lines = []
    for name in sorted(messages):
        if name in SPECIAL or name in wrappers or name.endswith("List"):
            continue
        lines.append(name)
        for number, field, kind in sorted(messages[name]):
            bare = kind.removeprefix("[]").removeprefix("{}")
            if bare in wrappers:
                kind = kind.replace(bare, "strings")
            elif "." in bare and bare not in messages:
                continue
            lines.append(f"{number} {field} {kind}")
        lines.append("")
    TARGET.write_text("\n".join(lines))
    print(f"{len(messages)} messages in {TARGET.relative_to(ROOT)}")


main()
