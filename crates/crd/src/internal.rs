//! How kube-apiserver's messages print its internal types: all fields, with the names of its code, in their order.

use crate::view::{Additional, Fields, Items, Props, SCHEMA_WORDS, Version};
use serde_json::Value;
use tidegate_schema::go_json;

/// Printing stops here, so that a large definition with a fault doesn't become a far larger message.
const BYTES_MAX: usize = 1 << 20;

/// `spec.versions`.
pub(crate) fn versions(versions: &[Version<'_>]) -> String {
    let mut out = Printer::default();
    out.list(versions.iter(), |out, version| {
        out.open();
        out.field("Name", |out| out.text(version.name()));
        out.field("Served", |out| out.flag(version.fields.flag("served")));
        out.field("Storage", |out| out.flag(version.storage()));
        out.field("Deprecated", |out| {
            out.flag(version.fields.flag("deprecated"))
        });
        out.field("DeprecationWarning", |out| {
            out.json(version.fields.get("deprecationWarning"))
        });
        out.field("Schema", |out| out.validation(version.schema));
        out.field("Subresources", |out| out.subresources(version.subresources));
        out.field("AdditionalPrinterColumns", |out| {
            out.some_list(version.columns, |out, column| {
                out.column(Fields::of(Some(column)))
            });
        });
        out.field("SelectableFields", |out| {
            out.some_list(version.selectable, |out, selectable| {
                out.open();
                out.field("JSONPath", |out| {
                    out.text(Fields::of(Some(selectable)).text("jsonPath"))
                });
                out.close();
            });
        });
        out.close();
    });
    out.done()
}

/// A schema.
pub(crate) fn schema(schema: Props<'_>) -> String {
    let mut out = Printer::default();
    out.schema(schema);
    out.done()
}

/// `items`.
pub(crate) fn items(items: Items<'_>) -> String {
    let mut out = Printer::default();
    out.items(items);
    out.done()
}

#[derive(Default)]
struct Printer {
    text: String,
}

impl Printer {
    fn done(mut self) -> String {
        if self.text.len() > BYTES_MAX {
            let mut end = BYTES_MAX;
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
            self.text.truncate(end);
            self.text.push_str("...");
        }
        self.text
    }

    fn full(&self) -> bool {
        self.text.len() > BYTES_MAX
    }

    fn open(&mut self) {
        self.text.push('{');
    }

    fn close(&mut self) {
        self.text.push('}');
    }

    fn field(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        if self.full() {
            return;
        }
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        self.text
            .push_str(&go_json(&Value::String(name.to_owned())));
        self.text.push(':');
        value(self);
    }

    fn list<T>(&mut self, items: impl Iterator<Item = T>, mut value: impl FnMut(&mut Self, T)) {
        self.text.push('[');
        for (index, item) in items.enumerate() {
            if self.full() {
                break;
            }
            if index > 0 {
                self.text.push(',');
            }
            value(self, item);
        }
        self.text.push(']');
    }

    /// A list, or null where it is empty.
    fn some_list<'a>(&mut self, items: &'a [Value], value: impl FnMut(&mut Self, &'a Value)) {
        if items.is_empty() {
            self.null();
        } else {
            self.list(items.iter(), value);
        }
    }

    fn null(&mut self) {
        self.text.push_str("null");
    }

    fn flag(&mut self, flag: bool) {
        self.text.push_str(if flag { "true" } else { "false" });
    }

    fn text(&mut self, text: &str) {
        self.text
            .push_str(&go_json(&Value::String(text.to_owned())));
    }

    fn json(&mut self, value: Option<&Value>) {
        match value {
            Some(value) => self.text.push_str(&go_json(value)),
            None => self.null(),
        }
    }

    fn validation(&mut self, schema: Option<Fields<'_>>) {
        let Some(schema) = schema else {
            return self.null();
        };
        self.open();
        self.field("OpenAPIV3Schema", |out| {
            out.some_schema(schema.opt_object("openAPIV3Schema"))
        });
        self.close();
    }

    fn subresources(&mut self, subresources: Option<Fields<'_>>) {
        let Some(subresources) = subresources else {
            return self.null();
        };
        self.open();
        self.field("Status", |out| match subresources.opt_object("status") {
            Some(_) => out.text.push_str("{}"),
            None => out.null(),
        });
        self.field("Scale", |out| {
            let Some(scale) = subresources.opt_object("scale") else {
                return out.null();
            };
            out.open();
            out.field("SpecReplicasPath", |out| {
                out.text(scale.text("specReplicasPath"))
            });
            out.field("StatusReplicasPath", |out| {
                out.text(scale.text("statusReplicasPath"))
            });
            out.field("LabelSelectorPath", |out| {
                out.json(scale.get("labelSelectorPath"))
            });
            out.close();
        });
        self.close();
    }

    fn column(&mut self, column: Fields<'_>) {
        self.open();
        for (name, word) in [
            ("Name", "name"),
            ("Type", "type"),
            ("Format", "format"),
            ("Description", "description"),
        ] {
            self.field(name, |out| out.text(column.text(word)));
        }
        self.field("Priority", |out| {
            out.text
                .push_str(&column.int("priority").unwrap_or(0).to_string())
        });
        self.field("JSONPath", |out| out.text(column.text("jsonPath")));
        self.close();
    }

    fn some_schema(&mut self, schema: Option<Fields<'_>>) {
        match schema {
            Some(fields) => self.schema(Props::from(fields)),
            None => self.null(),
        }
    }

    fn schema(&mut self, schema: Props<'_>) {
        self.open();
        for (name, word) in SCHEMA_WORDS {
            self.field(name, |out| out.word(schema, word));
        }
        self.close();
    }

    fn word(&mut self, schema: Props<'_>, word: &str) {
        let fields = schema.fields();
        match word {
            "id" | "$schema" | "description" | "type" | "format" | "title" | "pattern" => {
                self.text(fields.text(word))
            }
            "nullable"
            | "exclusiveMaximum"
            | "exclusiveMinimum"
            | "uniqueItems"
            | "x-kubernetes-embedded-resource"
            | "x-kubernetes-int-or-string" => self.flag(fields.flag(word)),
            "items" => self.items(schema.items()),
            "allOf" | "oneOf" | "anyOf" => {
                self.some_list(fields.list(word), |out, item| out.schema(Props::of(item)))
            }
            "not" => self.some_schema(fields.opt_object("not")),
            "properties" | "patternProperties" | "definitions" => self.map(schema, word),
            "additionalProperties" | "additionalItems" => self.additional(schema.additional(word)),
            "dependencies" => self.dependencies(fields.opt_object(word)),
            "externalDocs" => self.docs(fields.opt_object(word)),
            "x-kubernetes-validations" => {
                self.some_list(schema.rules(), |out, rule| out.rule(Fields::of(Some(rule))));
            }
            _ => self.json(fields.get(word)),
        }
    }

    fn items(&mut self, items: Items<'_>) {
        let (one, many): (Option<Props<'_>>, &[Value]) = match items {
            Items::None => return self.null(),
            Items::One(item) => (Some(item), &[]),
            Items::Many(list) => (None, list),
        };
        self.open();
        self.field("Schema", |out| match one {
            Some(item) => out.schema(item),
            None => out.null(),
        });
        self.field("JSONSchemas", |out| {
            out.some_list(many, |out, item| out.schema(Props::of(item)))
        });
        self.close();
    }

    fn map(&mut self, schema: Props<'_>, word: &str) {
        if schema.fields().get(word).is_none() {
            return self.null();
        }
        self.open();
        for (name, child) in schema.map(word) {
            self.field(name, |out| out.schema(child));
        }
        self.close();
    }

    fn additional(&mut self, additional: Additional<'_>) {
        let (allows, schema) = match additional {
            Additional::None => return self.null(),
            Additional::Allows(allows) => (allows, None),
            Additional::Schema(schema) => (true, Some(schema)),
        };
        self.open();
        self.field("Allows", |out| out.flag(allows));
        self.field("Schema", |out| match schema {
            Some(schema) => out.schema(schema),
            None => out.null(),
        });
        self.close();
    }

    fn dependencies(&mut self, dependencies: Option<Fields<'_>>) {
        let Some(dependencies) = dependencies else {
            return self.null();
        };
        self.open();
        for (name, value) in dependencies.iter() {
            self.field(name, |out| {
                out.open();
                out.field("Schema", |out| {
                    out.some_schema(value.as_object().map(|_| Fields::of(Some(value))))
                });
                out.field("Property", |out| {
                    out.json(Some(value).filter(|value| value.is_array()))
                });
                out.close();
            });
        }
        self.close();
    }

    fn docs(&mut self, docs: Option<Fields<'_>>) {
        let Some(docs) = docs else { return self.null() };
        self.open();
        self.field("Description", |out| out.text(docs.text("description")));
        self.field("URL", |out| out.text(docs.text("url")));
        self.close();
    }

    fn rule(&mut self, rule: Fields<'_>) {
        self.open();
        self.field("Rule", |out| out.text(rule.text("rule")));
        self.field("Message", |out| out.text(rule.text("message")));
        self.field("MessageExpression", |out| {
            out.text(rule.text("messageExpression"))
        });
        self.field("Reason", |out| out.json(rule.get("reason")));
        self.field("FieldPath", |out| out.text(rule.text("fieldPath")));
        self.field("OptionalOldSelf", |out| {
            out.json(rule.get("optionalOldSelf"))
        });
        self.close();
    }
}
