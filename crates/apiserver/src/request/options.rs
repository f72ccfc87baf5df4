//! The options of a request, read from its query and checked, in the words of apimachinery.

use super::query::Query;
use crate::{
    selector::{FieldSelector, LabelSelector},
    status::ApiError,
};
use serde_json::Value;
use tidegate_kinds::part_of;
use tidegate_schema::{FieldError, FieldErrorType, Path};

/// What becomes of unknown and duplicate fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FieldValidation {
    /// Dropped in silence.
    Ignore,
    /// Dropped, with a warning.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

/// Options of create, update and patch.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    /// Empty where none was given.
    pub(crate) field_manager: String,
    pub(crate) field_validation: FieldValidation,
    /// Of patch only.
    pub(crate) force: Option<bool>,
}

/// Which set of rules a write's options follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Create,
    Update,
    Patch,
    Apply,
}

/// Options of list and watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListOptions {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    pub(crate) watch: bool,
    pub(crate) allow_watch_bookmarks: bool,
    pub(crate) resource_version: String,
    pub(crate) resource_version_match: String,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) limit: i64,
    pub(crate) continue_token: String,
    pub(crate) send_initial_events: Option<bool>,
}

/// Options of delete.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) propagation_policy: Option<String>,
    /// Asks to delete what can't be read, too. Nothing that is stored here can't be.
    pub(crate) unreadable: bool,
}

impl WriteOptions {
    /// Reads the options of a write.
    pub(crate) fn parse(query: &Query, kind: WriteKind) -> Result<Self, ApiError> {
        let dry_run: Vec<&str> = query.all("dryRun").collect();
        let manager = query.get("fieldManager").unwrap_or_default();
        let validation = query.get("fieldValidation").unwrap_or_default();
        let force = match kind {
            WriteKind::Patch | WriteKind::Apply => query.get("force").map(is_true),
            WriteKind::Create | WriteKind::Update => None,
        };
        let root = Path::ROOT;
        let mut errors = Vec::new();
        if kind == WriteKind::Apply && manager.is_empty() {
            errors.push(FieldError::required(
                &root.child("fieldManager"),
                "is required for apply patch",
            ));
        } else if kind == WriteKind::Patch && force.is_some() {
            errors.push(FieldError::forbidden(
                &root.child("force"),
                "may not be specified for non-apply patch",
            ));
        }
        check_field_manager(manager, &mut errors);
        check_dry_run(&dry_run, &mut errors);
        let field_validation = field_validation(validation, &mut errors);
        if !errors.is_empty() {
            let kind = match kind {
                WriteKind::Create => "CreateOptions",
                WriteKind::Update => "UpdateOptions",
                WriteKind::Patch | WriteKind::Apply => "PatchOptions",
            };
            return Err(ApiError::invalid("meta.k8s.io", kind, "", &errors));
        }
        Ok(Self {
            dry_run: !dry_run.is_empty(),
            field_manager: manager.to_owned(),
            field_validation,
            force,
        })
    }
}

impl ListOptions {
    /// Reads the options of a list. Field names of the selector are not checked here.
    pub(crate) fn parse(query: &Query) -> Result<Self, ApiError> {
        Self::read(query, false)
    }

    /// Reads the options of a watch.
    pub(crate) fn parse_watch(query: &Query) -> Result<Self, ApiError> {
        Self::read(query, true)
    }

    fn read(query: &Query, watch: bool) -> Result<Self, ApiError> {
        let text = |key: &str| query.get(key).unwrap_or_default().to_owned();
        // Selectors are read when all else has been.
        let timeout_seconds = integer(query, "timeoutSeconds")?;
        let limit = integer(query, "limit")?.unwrap_or_default();
        let labels = LabelSelector::parse(&text("labelSelector")).map_err(ApiError::bad_request)?;
        let fields = FieldSelector::parse(&text("fieldSelector")).map_err(ApiError::bad_request)?;
        let mut options = Self {
            labels,
            fields,
            watch,
            allow_watch_bookmarks: flag(query, "allowWatchBookmarks").unwrap_or_default(),
            resource_version: text("resourceVersion"),
            resource_version_match: text("resourceVersionMatch"),
            timeout_seconds,
            limit,
            continue_token: text("continue"),
            send_initial_events: flag(query, "sendInitialEvents"),
        };
        options.set_defaults();
        let errors = if options.watch {
            options.check_watch()
        } else {
            options.check_list()
        };
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &errors))
        }
    }

    /// A watch from "any version" is a request for initial events, unless it says otherwise.
    fn set_defaults(&mut self) {
        let legacy = matches!(self.resource_version.as_str(), "" | "0");
        if self.send_initial_events.is_none()
            && legacy
            && self.watch
            && self.resource_version_match.is_empty()
        {
            self.send_initial_events = Some(true);
            self.resource_version_match = NOT_OLDER_THAN.to_owned();
        }
    }

    fn check_list(&self) -> Vec<FieldError> {
        let root = Path::ROOT;
        let at = root.child("resourceVersionMatch");
        let mut errors = Vec::new();
        let version_match = self.resource_version_match.as_str();
        if !version_match.is_empty() {
            if self.resource_version.is_empty() {
                errors.push(FieldError::forbidden(
                    &at,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !self.continue_token.is_empty() {
                errors.push(FieldError::forbidden(
                    &at,
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            if !matches!(version_match, EXACT | NOT_OLDER_THAN) {
                errors.push(unsupported(
                    &at,
                    version_match,
                    &[EXACT, NOT_OLDER_THAN, ""],
                ));
            }
            if version_match == EXACT && self.resource_version == "0" {
                errors.push(FieldError::forbidden(
                    &at,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if self.send_initial_events.is_some() {
            errors.push(FieldError::forbidden(
                &root.child("sendInitialEvents"),
                "sendInitialEvents is forbidden for list",
            ));
        }
        errors
    }

    fn check_watch(&self) -> Vec<FieldError> {
        let root = Path::ROOT;
        let at = root.child("resourceVersionMatch");
        let version_match = self.resource_version_match.as_str();
        let mut errors = Vec::new();
        if self.send_initial_events.is_some() && version_match != NOT_OLDER_THAN {
            errors.push(FieldError::forbidden(
                &at,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if !version_match.is_empty() {
            if self.send_initial_events.is_none() {
                errors.push(FieldError::forbidden(
                    &at,
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ));
            }
            if version_match != NOT_OLDER_THAN {
                errors.push(FieldError::not_supported(
                    &at,
                    &version_match.into(),
                    &[NOT_OLDER_THAN],
                ));
            }
            if !self.continue_token.is_empty() {
                errors.push(FieldError::forbidden(
                    &at,
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
        }
        errors
    }
}

/// `resourceVersionMatch`: the state at exactly this version.
pub(crate) const EXACT: &str = "Exact";
/// `resourceVersionMatch`: this version or a later one.
pub(crate) const NOT_OLDER_THAN: &str = "NotOlderThan";

impl DeleteOptions {
    /// From the body of a delete, a `DeleteOptions` object.
    pub(crate) fn from_body(mut body: Value) -> Result<Self, ApiError> {
        if let Some(part) = part_of("meta.k8s.io", "v1", "DeleteOptions") {
            part.decode(&mut body).map_err(ApiError::bad_request)?;
        }
        let preconditions = &body["preconditions"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let dry_run: Vec<&str> = body["dryRun"]
            .as_array()
            .map(|all| all.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        Self {
            dry_run: !dry_run.is_empty(),
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            uid: text(&preconditions["uid"]),
            resource_version: text(&preconditions["resourceVersion"]),
            orphan_dependents: body["orphanDependents"].as_bool(),
            propagation_policy: text(&body["propagationPolicy"]),
            unreadable: body["ignoreStoreReadErrorWithClusterBreakingPotential"] == true,
        }
        .checked(&dry_run, !preconditions.is_null())
    }

    /// From the query, where there is no body.
    pub(crate) fn from_query(query: &Query) -> Result<Self, ApiError> {
        let dry_run: Vec<&str> = query.all("dryRun").collect();
        Self {
            dry_run: !dry_run.is_empty(),
            grace_period_seconds: integer(query, "gracePeriodSeconds")?,
            orphan_dependents: flag(query, "orphanDependents"),
            propagation_policy: query.get("propagationPolicy").map(str::to_owned),
            unreadable: flag(query, "ignoreStoreReadErrorWithClusterBreakingPotential")
                .unwrap_or_default(),
            ..Self::default()
        }
        .checked(&dry_run, false)
    }

    fn checked(self, dry_run: &[&str], conditional: bool) -> Result<Self, ApiError> {
        let root = Path::ROOT;
        let at = root.child("propagationPolicy");
        let mut errors = Vec::new();
        if let Some(policy) = &self.propagation_policy {
            if self.orphan_dependents.is_some() {
                errors.push(FieldError::invalid(
                    &at,
                    &policy.as_str().into(),
                    "orphanDependents and deletionPropagation cannot be both set",
                ));
            }
            if !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan") {
                errors.push(unsupported(
                    &at,
                    policy,
                    &["Foreground", "Background", "Orphan", "nil"],
                ));
            }
        }
        check_dry_run(dry_run, &mut errors);
        self.check_unreadable(conditional, &mut errors);
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::invalid(
                "meta.k8s.io",
                "DeleteOptions",
                "",
                &errors,
            ))
        }
    }

    /// What can't be read is deleted without anything that must be read for it.
    fn check_unreadable(&self, conditional: bool, errors: &mut Vec<FieldError>) {
        let given = [
            (self.propagation_policy.is_some(), "propagationPolicy"),
            (self.orphan_dependents.is_some(), "orphanDependents"),
            (self.grace_period_seconds.is_some(), "gracePeriodSeconds"),
            (conditional, "preconditions"),
        ];
        let root = Path::ROOT;
        let at = root.child("ignoreStoreReadErrorWithClusterBreakingPotential");
        for (_, name) in given.iter().filter(|(given, _)| self.unreadable && *given) {
            let why = format!("cannot be set together with .{name}");
            errors.push(FieldError::invalid(&at, &true.into(), why));
        }
    }
}

/// `Unsupported value`, with the supported ones in this order.
fn unsupported(at: &Path<'_>, value: &str, supported: &[&str]) -> FieldError {
    let words: Vec<String> = supported.iter().map(|word| format!("\"{word}\"")).collect();
    FieldError {
        detail: format!("supported values: {}", words.join(", ")),
        ..FieldError::not_supported(at, &value.into(), &[])
    }
}

/// Go's conversion of a query parameter to a bool: everything but "false" and "0" is true.
fn is_true(text: &str) -> bool {
    !(text.eq_ignore_ascii_case("false") || text == "0")
}

pub(crate) fn flag(query: &Query, key: &str) -> Option<bool> {
    query.get(key).map(is_true)
}

pub(crate) fn integer(query: &Query, key: &str) -> Result<Option<i64>, ApiError> {
    let Some(text) = query.get(key) else {
        return Ok(None);
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) if plain => Err(ApiError::bad_request(format!(
            "strconv.ParseInt: parsing \"{text}\": value out of range"
        ))),
        Err(_) => Err(ApiError::bad_request(format!(
            "strconv.ParseInt: parsing \"{text}\": invalid syntax"
        ))),
    }
}

fn check_field_manager(manager: &str, errors: &mut Vec<FieldError>) {
    const LONGEST: usize = 128;
    let root = Path::ROOT;
    let at = root.child("fieldManager");
    if manager.len() > LONGEST {
        errors.push(FieldError::new(
            FieldErrorType::TooLong,
            &at,
            format!("may not be more than {LONGEST} bytes"),
        ));
    }
    for (position, c) in manager.char_indices() {
        if c.is_control() || (c != ' ' && c.is_whitespace()) {
            errors.push(FieldError::invalid(
                &at,
                &manager.into(),
                format!(
                    "invalid character U+{:04X} (at position {position})",
                    u32::from(c)
                ),
            ));
        }
    }
}

fn check_dry_run(values: &[&str], errors: &mut Vec<FieldError>) {
    if values.iter().any(|value| *value != "All") {
        let root = Path::ROOT;
        errors.push(FieldError::not_supported(
            &root.child("dryRun"),
            &values.iter().copied().map(Value::from).collect(),
            &["All"],
        ));
    }
}

fn field_validation(text: &str, errors: &mut Vec<FieldError>) -> FieldValidation {
    match text {
        "" | "Warn" => FieldValidation::Warn,
        "Ignore" => FieldValidation::Ignore,
        "Strict" => FieldValidation::Strict,
        other => {
            let root = Path::ROOT;
            errors.push(FieldError::not_supported(
                &root.child("fieldValidation"),
                &other.into(),
                &["", "Ignore", "Strict", "Warn"],
            ));
            FieldValidation::Warn
        }
    }
}
