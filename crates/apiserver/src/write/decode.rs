//! From the bytes of a request to an object of the resource's kind.

use super::Write;
use crate::{
    call::Call,
    negotiate::{self, Format},
    object,
    request::options::FieldValidation,
    resource::Resource,
    status::ApiError,
};
use serde_json::Value;
use std::fmt::Write as _;

/// An object as the client sent it, complete with defaults.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// The strict decoder's complaints.
    pub(crate) strict: Vec<String>,
}

/// What a body says it is.
pub(super) struct TypeMeta {
    pub(super) api_version: String,
    pub(super) kind: String,
}

impl TypeMeta {
    pub(super) fn not_registered(&self) -> String {
        format!(
            "no kind {:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
            self.kind, self.api_version
        )
    }
}

impl Write<'_> {
    /// The object in the body of a create or update. Complaints are refused, told or dropped as the client wants.
    pub(crate) fn body(&self) -> Result<Value, ApiError> {
        let call = self.call;
        let (api_version, kind) = expected_type(call);
        if call.resource.bare_items && negotiate::is_protobuf(&call.headers) {
            refuse_what_is_no_protobuf(&call.body, &kind)?;
        }
        let format = negotiate::input_format(&call.headers)?;
        let decoded = decode(&call.body, format, &call.resource, &api_version, &kind)?;
        if !decoded.strict.is_empty() {
            match self.options.field_validation {
                FieldValidation::Ignore => {}
                FieldValidation::Warn => warn(call, &decoded.strict),
                FieldValidation::Strict => {
                    let (_, version) =
                        split_version(decoded.object["apiVersion"].as_str().unwrap_or_default());
                    return Err(ApiError::bad_request(format!(
                        "{} in version {version:?} cannot be handled as a {kind}: {}",
                        decoded.object["kind"].as_str().unwrap_or_default(),
                        strict_text(&decoded.strict),
                    )));
                }
            }
        }
        Ok(decoded.object)
    }
}

/// The version and kind that the place expects.
fn expected_type(call: &Call) -> (String, String) {
    let resource = &call.resource;
    match resource.subresource(&call.info.subresource) {
        Some(subresource) if subresource.kind != resource.kind => {
            let api_version = if subresource.group.is_empty() {
                subresource.version.clone()
            } else {
                format!("{}/{}", subresource.group, subresource.version)
            };
            (api_version, subresource.kind.clone())
        }
        _ => (resource.api_version(), resource.kind.clone()),
    }
}

/// Tells the client, in the response's headers.
pub(super) fn warn(call: &Call, complaints: &[String]) {
    for complaint in complaints {
        match complaint.split_once("yaml: unmarshal errors:\n") {
            Some((_, lines)) => lines
                .lines()
                .for_each(|line| call.warnings.add(line.trim())),
            None => call.warnings.add(complaint.as_str()),
        }
    }
}

/// The strict decoder's error.
pub(super) fn strict_text(complaints: &[String]) -> String {
    format!("strict decoding error: {}", complaints.join(", "))
}

/// Reads an object of a resource. What has no kind and version gets the expected ones.
pub(crate) fn decode(
    body: &[u8],
    format: Format,
    resource: &Resource,
    api_version: &str,
    kind: &str,
) -> Result<Decoded, ApiError> {
    let unrecognized = |error: String| unrecognized(body, kind, &error);
    let parsed = match format {
        Format::Json => tidegate_schema::parse_json(body),
        Format::Yaml => tidegate_schema::parse_yaml(body),
    };
    let parsed = parsed.map_err(|error| {
        unrecognized(match format {
            Format::Json => format!("couldn't get version/kind; json parse error: {error}"),
            Format::Yaml => error.to_string(),
        })
    })?;
    let mut object = parsed.value;
    let found = type_meta(&object).map_err(unrecognized)?;
    if resource.bare_items && found.api_version.matches('/').count() > 1 {
        let version = &found.api_version;
        return Err(unrecognized(format!(
            "unexpected GroupVersion string: {version}"
        )));
    }
    if !resource.bare_items && kind == resource.kind && found.kind.is_empty() {
        return Err(unrecognized(format!(
            "Object 'Kind' is missing in '{}'",
            String::from_utf8_lossy(body)
        )));
    }
    let found = TypeMeta {
        api_version: if found.api_version.is_empty() && resource.bare_items {
            api_version.to_owned()
        } else {
            found.api_version
        },
        kind: if found.kind.is_empty() {
            kind.to_owned()
        } else {
            found.kind
        },
    };
    check_type(resource, &found, api_version, kind)?;
    object["apiVersion"] = found.api_version.as_str().into();
    object["kind"] = found.kind.as_str().into();
    let mut strict = parsed.duplicates;
    if kind == resource.kind {
        let unknown = resource.strategy.decode(&mut object);
        let unknown = unknown.map_err(|error| cannot_be_handled(&found, kind, &error))?;
        strict.extend(unknown);
        resource.strategy.default(&mut object);
    }
    Ok(Decoded { object, strict })
}

/// Protobuf is not read here; what is none is refused in the words that Kubernetes has for that.
fn refuse_what_is_no_protobuf(body: &[u8], kind: &str) -> Result<(), ApiError> {
    if body.starts_with(b"k8s\0") {
        return Ok(());
    }
    let error =
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
    Err(unrecognized(body, kind, error))
}

fn unrecognized(body: &[u8], kind: &str, error: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {error} ({})",
        summary(body)
    ))
}

pub(super) fn type_meta(object: &Value) -> Result<TypeMeta, String> {
    if !object.is_object() && !object.is_null() {
        let found = object::go_found(object);
        return Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct \
             {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        ));
    }
    let text = |key: &str, name: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => {
            let found = object::go_found(other);
            Err(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go struct field \
                 .{name} of type string"
            ))
        }
    };
    Ok(TypeMeta {
        api_version: text("apiVersion", "apiVersion")?,
        kind: text("kind", "kind")?,
    })
}

fn check_type(
    resource: &Resource,
    found: &TypeMeta,
    api_version: &str,
    kind: &str,
) -> Result<(), ApiError> {
    if found.kind == kind && found.api_version == api_version {
        return Ok(());
    }
    if !resource.bare_items {
        // Custom resources are decoded whatever they say they are; their version is checked, their kind later.
        if found.api_version != api_version {
            return Err(wrong_version(&found.api_version, api_version));
        }
        return Ok(());
    }
    if found.kind == kind
        && crate::strategy::builtin::is_registered(&found.api_version, &found.kind)
    {
        return Err(wrong_version(&found.api_version, api_version));
    }
    let why = if has_go_type(found) {
        let (_, version) = split_version(&found.api_version);
        let (group, _) = split_version(api_version);
        let hub = match kind == resource.kind {
            true => resource.go_package(),
            false => group.split('.').next().unwrap_or_default(),
        };
        format!(
            "converting ({version}.{}) to ({hub}.{kind}): unknown conversion",
            found.kind
        )
    } else {
        found.not_registered()
    };
    Err(cannot_be_handled(found, kind, &why))
}

/// Whether Kubernetes knows such a kind, if only as a list or an option.
fn has_go_type(found: &TypeMeta) -> bool {
    const EVERYWHERE: [&str; 7] = [
        "CreateOptions",
        "DeleteOptions",
        "GetOptions",
        "ListOptions",
        "PatchOptions",
        "UpdateOptions",
        "WatchEvent",
    ];
    const CORE: [&str; 5] = [
        "APIGroup",
        "APIGroupList",
        "APIResourceList",
        "APIVersions",
        "Status",
    ];
    let kind = found.kind.as_str();
    let is_registered = |kind| crate::strategy::builtin::is_registered(&found.api_version, kind);
    is_registered(kind)
        || kind.strip_suffix("List").is_some_and(is_registered)
        || EVERYWHERE.contains(&kind)
        || found.api_version == "v1" && CORE.contains(&kind)
}

fn wrong_version(found: &str, expected: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the API version in the data ({found}) does not match the expected API version ({expected})"
    ))
}

fn cannot_be_handled(found: &TypeMeta, kind: &str, why: &str) -> ApiError {
    let (_, version) = split_version(&found.api_version);
    ApiError::bad_request(format!(
        "{} in version {version:?} cannot be handled as a {kind}: {why}",
        found.kind
    ))
}

fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The beginning of a body, for messages.
fn summary(body: &[u8]) -> String {
    const LONGEST: usize = 30;
    let start = &body[..body.len().min(LONGEST)];
    let mut text = match body.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
    };
    if body.len() > LONGEST {
        text.push_str(" ...");
    }
    text
}
