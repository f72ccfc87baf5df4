//! Paths: one for each of collection, item and subresource, with an operation for each verb.

use super::{Form, Resource};
use serde_json::{Map, Value, json};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
const JSON_TYPES: [&str; 2] = ["application/json", "application/yaml"];
const PATCH_TYPES: [&str; 3] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
];

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    List,
    Create,
    DeleteCollection,
    Read,
    Replace,
    Delete,
    Patch,
}

/// One operation.
struct Operation<'a> {
    resource: Resource<'a>,
    verb: Verb,
    /// `status` or `scale`.
    subresource: Option<&'static str>,
    /// `Namespaced` and so on, as the operation's id has it.
    scope: &'static str,
    /// After the kind in the operation's id.
    suffix: &'static str,
    /// The schema of what is read and written.
    model: String,
    /// Parameters stand at the path.
    bare: bool,
}

/// Adds the paths of a resource.
pub(super) fn add(paths: &mut Map<String, Value>, resource: Resource<'_>) {
    let definition = resource.definition;
    let plural = &definition.names.plural;
    let root = format!("/apis/{}/{}", definition.group, resource.version.name);
    let status = format!("{META}.Status");
    let kind = resource.model(&definition.names.kind);
    let list = resource.model(&definition.names.list_kind);
    let mut path = format!("{root}/{plural}");
    if definition.namespaced {
        let all = Operation {
            scope: "",
            suffix: "ForAllNamespaces",
            bare: true,
            ..resource.operation(Verb::List, None, &list)
        };
        let lifted = [resource.parameters("list"), resource.parameters("pretty")].concat();
        put(paths, path, &[all], lifted);
        path = format!("{root}/namespaces/{{namespace}}/{plural}");
    }
    let collection = [
        resource.operation(Verb::List, None, &list),
        resource.operation(Verb::Create, None, &kind),
        resource.operation(Verb::DeleteCollection, None, &status),
    ];
    put(
        paths,
        path.clone(),
        &collection,
        resource.path_parameters(false),
    );
    let item = [
        resource.operation(Verb::Read, None, &kind),
        resource.operation(Verb::Replace, None, &kind),
        resource.operation(Verb::Delete, None, &status),
        resource.operation(Verb::Patch, None, &kind),
    ];
    path.push_str("/{name}");
    put(paths, path.clone(), &item, resource.path_parameters(true));
    for (name, there, model) in [
        ("status", resource.version.status, kind.as_str()),
        ("scale", resource.version.scale.is_some(), SCALE),
    ] {
        if there {
            let verbs = [Verb::Read, Verb::Replace, Verb::Patch];
            let all = verbs.map(|verb| resource.operation(verb, Some(name), model));
            put(
                paths,
                format!("{path}/{name}"),
                &all,
                resource.path_parameters(true),
            );
        }
    }
}

fn put(
    paths: &mut Map<String, Value>,
    path: String,
    operations: &[Operation<'_>],
    mut parameters: Vec<Value>,
) {
    parameters.sort_by_key(|parameter| name_of(parameter).to_owned());
    let mut item = Map::new();
    for operation in operations {
        item.insert(operation.method().to_owned(), operation.value());
    }
    item.insert("parameters".to_owned(), parameters.into());
    paths.insert(path, item.into());
}

/// The name of a parameter, also of one that is referred to.
fn name_of(parameter: &Value) -> &str {
    let name = parameter["name"]
        .as_str()
        .or_else(|| parameter["$ref"].as_str());
    let name = name.unwrap_or_default();
    let name = name.strip_prefix("#/parameters/").unwrap_or(name);
    name.split('-').next().unwrap_or(name)
}

impl<'a> Resource<'a> {
    fn operation(
        self,
        verb: Verb,
        subresource: Option<&'static str>,
        model: &str,
    ) -> Operation<'a> {
        Operation {
            resource: self,
            verb,
            subresource,
            scope: if self.definition.namespaced {
                "Namespaced"
            } else {
                ""
            },
            suffix: "",
            model: model.to_owned(),
            bare: false,
        }
    }

    fn parameters(&self, action: &str) -> Vec<Value> {
        self.form.common()["parameters"][action]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The parameters that all operations of a path have.
    fn path_parameters(&self, item: bool) -> Vec<Value> {
        let mut parameters = self.parameters("pretty");
        if self.definition.namespaced {
            parameters.extend(self.parameters("namespace"));
        }
        if item {
            let description = format!("name of the {}", self.definition.names.kind);
            let mut name = json!({ "name": "name", "in": "path", "description": description, "required": true });
            match self.form {
                Form::V3 => name["schema"] = json!({ "type": "string", "uniqueItems": true }),
                Form::V2 => {
                    name["type"] = "string".into();
                    name["uniqueItems"] = true.into();
                }
            }
            parameters.push(name);
        }
        parameters
    }
}

impl Operation<'_> {
    fn method(&self) -> &'static str {
        match self.verb {
            Verb::List | Verb::Read => "get",
            Verb::Create => "post",
            Verb::DeleteCollection | Verb::Delete => "delete",
            Verb::Replace => "put",
            Verb::Patch => "patch",
        }
    }

    fn action(&self) -> &'static str {
        match self.verb {
            Verb::List => "list",
            Verb::Create => "post",
            Verb::DeleteCollection => "deletecollection",
            Verb::Read => "get",
            Verb::Replace => "put",
            Verb::Delete => "delete",
            Verb::Patch => "patch",
        }
    }

    fn value(&self) -> Value {
        let definition = self.resource.definition;
        let mut value = json!({
            "tags": [format!("{}_{}", valid_id(self.group(), false), valid_id(&self.resource.version.name, false))],
            "description": self.description(),
            "operationId": self.id(),
            "responses": self.responses(),
            "x-kubernetes-action": self.action(),
            "x-kubernetes-group-version-kind": {
                "group": definition.group,
                "version": self.resource.version.name,
                "kind": definition.names.kind,
            },
        });
        let list = match self.verb {
            Verb::List | Verb::DeleteCollection => "list",
            _ => self.action(),
        };
        let mut parameters = self.resource.parameters(list);
        match self.resource.form {
            Form::V3 => {
                if let Some(body) = self.body() {
                    value["requestBody"] = body;
                }
            }
            Form::V2 => {
                if matches!(self.verb, Verb::Create | Verb::Replace) {
                    let schema = self.resource.form.reference(&self.model);
                    parameters.insert(
                        0,
                        json!({ "name": "body", "in": "body", "required": true, "schema": schema }),
                    );
                }
                let types = if self.verb == Verb::Patch {
                    &PATCH_TYPES[..]
                } else {
                    &JSON_TYPES[..]
                };
                value["consumes"] = types.into();
                value["produces"] = JSON_TYPES.to_vec().into();
                value["schemes"] = json!(["https"]);
            }
        }
        if !self.bare {
            value["parameters"] = parameters.into();
        }
        value
    }

    fn group(&self) -> &str {
        let group = &self.resource.definition.group;
        group.strip_suffix(".k8s.io").unwrap_or(group)
    }

    fn id(&self) -> String {
        let (verb, more) = match self.verb {
            Verb::List => ("list", ""),
            Verb::Create => ("create", ""),
            Verb::DeleteCollection => ("delete", "Collection"),
            Verb::Read => ("read", ""),
            Verb::Replace => ("replace", ""),
            Verb::Delete => ("delete", ""),
            Verb::Patch => ("patch", ""),
        };
        let subresource = match self.subresource {
            Some("status") => "Status",
            Some(_) => "Scale",
            None => "",
        };
        let kind = &self.resource.definition.names.kind;
        let rest = format!("{more}{}{kind}{subresource}{}", self.scope, self.suffix);
        let version = valid_id(&self.resource.version.name, true);
        format!(
            "{verb}{}{version}{}",
            valid_id(self.group(), true),
            valid_id(&rest, true)
        )
    }

    fn description(&self) -> String {
        let kind = &self.resource.definition.names.kind;
        let of = self
            .subresource
            .map(|name| format!(" {name} of"))
            .unwrap_or_default();
        match self.verb {
            Verb::List => format!("list objects of kind {kind}"),
            Verb::Create => format!("create{}{kind}", article(kind)),
            Verb::DeleteCollection => format!("delete collection of {kind}"),
            Verb::Read => format!("read{of} the specified {kind}"),
            Verb::Replace => format!("replace{of} the specified {kind}"),
            Verb::Delete => format!("delete{}{kind}", article(kind)),
            Verb::Patch => format!("partially update{of} the specified {kind}"),
        }
    }

    fn responses(&self) -> Value {
        let mut codes = vec![("200", "OK")];
        codes.extend(match self.verb {
            Verb::Create => vec![("201", "Created"), ("202", "Accepted")],
            Verb::Delete => vec![("202", "Accepted")],
            Verb::Replace => vec![("201", "Created")],
            _ => Vec::new(),
        });
        let mut responses = Map::new();
        for (code, description) in codes {
            let mut response = json!({ "description": description });
            match self.resource.form {
                Form::V3 => response["content"] = self.content(&JSON_TYPES, &self.model),
                Form::V2 => response["schema"] = self.resource.form.reference(&self.model),
            }
            responses.insert(code.to_owned(), response);
        }
        responses.insert("401".to_owned(), json!({ "description": "Unauthorized" }));
        responses.into()
    }

    fn content(&self, types: &[&str], model: &str) -> Value {
        let schema = json!({ "schema": self.resource.form.reference(model) });
        types
            .iter()
            .map(|name| ((*name).to_owned(), schema.clone()))
            .collect::<Map<_, _>>()
            .into()
    }

    fn body(&self) -> Option<Value> {
        Some(match self.verb {
            Verb::Create | Verb::Replace => {
                json!({ "content": self.content(&JSON_TYPES, &self.model), "required": true })
            }
            Verb::Patch => {
                json!({ "content": self.content(&PATCH_TYPES, &format!("{META}.Patch")), "required": true })
            }
            Verb::Delete => {
                json!({ "content": self.content(&JSON_TYPES, &format!("{META}.DeleteOptions")) })
            }
            Verb::List | Verb::DeleteCollection | Verb::Read => return None,
        })
    }
}

/// The article of a kind, with spaces around; plurals have none.
fn article(kind: &str) -> &'static str {
    if kind.ends_with('s') && !kind.ends_with("ss") {
        " "
    } else if kind.starts_with(|c: char| "aeiouAEIOU".contains(c)) {
        " an "
    } else {
        " a "
    }
}

/// Letters and digits; what follows anything else gets a capital.
fn valid_id(text: &str, capital: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut capital = capital;
    for (index, c) in text.char_indices() {
        if !(c.is_alphabetic() || c == '_' || index > 0 && c.is_numeric()) {
            capital = true;
        } else if capital {
            out.extend(c.to_uppercase());
            capital = false;
        } else {
            out.push(c);
        }
    }
    out
}
