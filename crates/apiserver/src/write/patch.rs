//! PATCH: four ways to say what changes.

use super::{
    Write, decode,
    ownership::patch_failed,
    shape::{Shape, wrong_type},
    update,
};
use crate::{
    admission::Operation,
    call::{Answer, Call},
    cluster::Cluster,
    object::Meta,
    request::options::{FieldValidation, WriteKind, WriteOptions},
    status::ApiError,
};
use serde_json::Value;
use tidegate_merge::Patched;
use tidegate_schema::{FieldError, Parsed, Path};

/// The ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Answers a patch.
pub(crate) async fn patch(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let patch_type = patch_type(call)?;
    let kind = if patch_type == PatchType::Apply {
        WriteKind::Apply
    } else {
        WriteKind::Patch
    };
    let options = WriteOptions::parse(&call.query, kind)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let outcome = if patch_type == PatchType::Apply {
        let applied = applied_object(call)?;
        let make =
            |existing: Option<&Value>| write.finish(write.apply(existing, &applied)?, existing);
        write
            .guaranteed(call.info.subresource.is_empty(), &make)
            .await?
    } else {
        check_json(call)?;
        let make = |existing: Option<&Value>| {
            let Some(existing) = existing else {
                let resource = &call.resource;
                return Err(ApiError::not_found(
                    resource.group_resource(),
                    &call.info.name,
                ));
            };
            write.finish(write.patched(existing, patch_type)?, Some(existing))
        };
        let allow_create = call.resource.strategy.allow_create_on_update();
        write.guaranteed(allow_create, &make).await?
    };
    update::answer(cluster, call, outcome)
}

/// A patch that is no JSON is refused before the object is looked at.
pub(super) fn check_json(call: &Call) -> Result<(), ApiError> {
    match serde_json::from_slice::<serde::de::IgnoredAny>(&call.body) {
        Ok(_) => Ok(()),
        Err(_) => Err(ApiError::bad_request("invalid JSON patch")),
    }
}

pub(super) fn patch_type(call: &Call) -> Result<PatchType, ApiError> {
    let content_type = call.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let builtin = call.resource.strategy.is_builtin();
    match content_type.split(';').next().unwrap_or_default() {
        JSON_PATCH => Ok(PatchType::Json),
        MERGE_PATCH => Ok(PatchType::Merge),
        STRATEGIC if builtin => Ok(PatchType::Strategic),
        APPLY => Ok(PatchType::Apply),
        _ if builtin => {
            let mut error =
                ApiError::other(415, "UnsupportedMediaType", "415: Unsupported Media Type");
            error.details_mut();
            Err(error)
        }
        _ => Err(ApiError::unsupported_media_type(&[
            JSON_PATCH,
            MERGE_PATCH,
            APPLY,
        ])),
    }
}

/// The configuration that is applied: YAML, of which JSON is a part.
pub(super) fn applied_object(call: &Call) -> Result<Parsed, ApiError> {
    let parsed = tidegate_schema::parse_yaml(&call.body).map_err(|error| {
        // What begins as JSON is taken for JSON at first.
        let step = if call.body.trim_ascii_start().starts_with(b"{") {
            "decoding patch: error converting YAML to JSON"
        } else {
            "encoding patch"
        };
        ApiError::bad_request(format!("error {step}: {error}"))
    })?;
    if parsed.value.is_object() {
        Ok(parsed)
    } else {
        let found = match parsed.value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            Value::Null => {
                return Ok(Parsed {
                    value: Value::Object(serde_json::Map::new()),
                    ..parsed
                });
            }
            _ => "number",
        };
        Err(ApiError::bad_request(format!(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go \
             value of type map[string]interface {{}}"
        )))
    }
}

impl Write<'_> {
    /// The last steps of making a patched object.
    fn finish(&self, mut object: Value, existing: Option<&Value>) -> Result<Value, ApiError> {
        if existing.is_none() && !object.uid().is_empty() {
            return Err(ApiError::conflict(
                self.resource().group_resource(),
                &self.call.info.name,
                &format!(
                    "uid mismatch: the provided object specified uid {}, and no existing object was found",
                    object.uid()
                ),
            ));
        }
        self.settle_namespace(&mut object)?;
        self.check_name(&object)?;
        let operation = if existing.is_some() {
            Operation::Update
        } else {
            Operation::Create
        };
        self.cluster
            .mutate_admission(self, operation, &mut object, existing)?;
        self.dedup_owners(&mut object, true);
        Ok(object)
    }

    /// Server-side apply.
    fn apply(&self, existing: Option<&Value>, applied: &Parsed) -> Result<Value, ApiError> {
        let object = self.applied(existing, &applied.value)?;
        self.checked_apply(Shape::Kind(&*self.resource().strategy), object, applied)
    }

    /// The last steps of an apply: what is said of the configuration, and the object as its kind.
    pub(super) fn checked_apply(
        &self,
        shape: Shape<'_>,
        mut object: Value,
        applied: &Parsed,
    ) -> Result<Value, ApiError> {
        // A kind's unknown fields are no error of an apply: the schema has already dropped or refused them.
        if self.options.field_validation != FieldValidation::Ignore
            && !applied.duplicates.is_empty()
        {
            let text = applied.duplicates.join("\n");
            let text = format!("error converting YAML to JSON: {text}");
            if self.options.field_validation == FieldValidation::Strict {
                return Err(ApiError::bad_request(format!(
                    "error strict decoding patch: {text}"
                )));
            }
            decode::warn(self.call, &applied.duplicates);
        }
        if let Some(why) = shape.conversion_error(&object) {
            return Err(self.inconvertible(&object, &why));
        }
        shape.decode(&mut object).map_err(ApiError::bad_request)?;
        shape.default(&mut object);
        Ok(object)
    }

    /// What fits the schema may still not fit the type: a quantity is a text there, and so is a time.
    fn inconvertible(&self, object: &Value, why: &str) -> ApiError {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let slash = if version.contains('/') { "" } else { "/" };
        let name = &self.call.info.name;
        let kind = format!("{version}, Kind={kind}");
        ApiError::other(
            500,
            "",
            format!(
                "failed to convert new object (/{name}; {slash}{kind}) to proper version: unable to convert \
                 unstructured object to {slash}{kind}: {why}"
            ),
        )
    }

    /// A patch of one of the other three types.
    fn patched(&self, existing: &Value, patch_type: PatchType) -> Result<Value, ApiError> {
        let shape = Shape::Kind(&*self.resource().strategy);
        let object = self.patched_as(shape, existing, patch_type)?;
        Ok(self.owned(Some(existing), &object))
    }

    /// The same, without owners, of anything.
    pub(super) fn patched_as(
        &self,
        shape: Shape<'_>,
        existing: &Value,
        patch_type: PatchType,
    ) -> Result<Value, ApiError> {
        let strict = self.options.field_validation != FieldValidation::Ignore;
        let body = &self.call.body;
        let strategic = patch_type == PatchType::Strategic;
        let patched = match (patch_type, shape.schema()) {
            (PatchType::Json, _) => tidegate_merge::json_patch(existing, body, strict),
            (PatchType::Strategic, Some(schema)) => {
                tidegate_merge::strategic_merge_patch(existing, body, schema, strict)
            }
            _ => tidegate_merge::merge_patch(existing, body, strict),
        };
        let Patched {
            value,
            strict_errors,
        } = patched.map_err(patch_failed)?;
        let shown = || {
            if strategic {
                go_map(body)
            } else {
                value.to_string()
            }
        };
        let invalid = |why: &str| {
            let root = Path::ROOT;
            let error = FieldError::invalid(&root.child("patch"), &shown().into(), why);
            ApiError::invalid("", "", "", &[error])
        };
        let mut object = value.clone();
        let wrong = match shape {
            _ if strategic => shape.conversion_error(&object),
            Shape::Kind(strategy) if !strategy.is_builtin() => None,
            _ => wrong_type(self.resource(), &object, existing),
        };
        if let Some(why) = wrong {
            return Err(invalid(&why));
        }
        let typed = !matches!(shape, Shape::Kind(strategy) if !strategy.is_builtin());
        for key in ["apiVersion", "kind"] {
            // A patch may replace all there is.
            if typed && object.is_object() && object[key].as_str().is_none_or(str::is_empty) {
                object[key] = existing[key].clone();
            }
        }
        let mut unknown = shape.decode(&mut object).map_err(|error| invalid(&error))?;
        if strategic {
            unknown.sort();
        }
        let complaints: Vec<String> = strict_errors.into_iter().chain(unknown).collect();
        match self.options.field_validation {
            FieldValidation::Strict if !complaints.is_empty() => {
                return Err(invalid(&decode::strict_text(&complaints)));
            }
            FieldValidation::Warn => decode::warn(self.call, &complaints),
            FieldValidation::Strict | FieldValidation::Ignore => {}
        }
        shape.default(&mut object);
        Ok(object)
    }
}

/// A patch as Go prints a map: `map[spec:map[replicas:1]]`.
fn go_map(body: &[u8]) -> String {
    fn write(out: &mut String, value: &Value) {
        match value {
            Value::Null => out.push_str("<nil>"),
            Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::String(text) => out.push_str(text),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    write(out, item);
                }
                out.push(']');
            }
            Value::Object(fields) => {
                out.push_str("map[");
                for (at, (key, item)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(' ');
                    }
                    out.push_str(key);
                    out.push(':');
                    write(out, item);
                }
                out.push(']');
            }
        }
    }
    let mut out = String::new();
    write(&mut out, &serde_json::from_slice(body).unwrap_or_default());
    out
}
