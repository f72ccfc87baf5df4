//! Content negotiation: what the client can read, and what it sent.

use crate::status::ApiError;
use http::{HeaderMap, header};

/// The encodings that a body may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    #[default]
    Json,
    Yaml,
}

/// What the client wants instead of the object itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Transform {
    #[default]
    None,
    Table(MetaVersion),
    PartialObjectMetadata(MetaVersion),
    PartialObjectMetadataList(MetaVersion),
}

/// The version of `meta.k8s.io` that a transformed answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetaVersion {
    V1,
    V1Beta1,
}

impl MetaVersion {
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) transform: Transform,
    pub(crate) pretty: bool,
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Yaml => YAML,
        }
    }
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const YAML: &str = "application/yaml";
const SUPPORTED: &[&str] = &[JSON, YAML];

/// What the routes of objects and lists of built-in kinds produce. Kubernetes' also produce its protobuf.
pub(crate) const OBJECTS: &[&str] = SUPPORTED;
pub(crate) const LISTS: &[&str] = &[JSON, YAML, STREAM];
pub(crate) const LOGS: &[&str] = &["text/plain", JSON, YAML];
const STREAM: &str = "application/json;stream=watch";

/// Which answers a place in the API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Objects and lists, transformed where asked for.
    Objects,
    /// Events of a watch: JSON only.
    Events,
    /// Plain documents: no transforms.
    Documents,
}

impl Output {
    /// Reads `Accept` and the wish for pretty output.
    pub(crate) fn negotiate(
        headers: &HeaderMap,
        pretty: Option<&str>,
        allowed: Allowed,
    ) -> Result<Self, ApiError> {
        let accept = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let accept: Vec<&str> = accept.filter(|text| !text.trim().is_empty()).collect();
        let accept = accept.join(",");
        let best = |allowed: Allowed| {
            if accept.is_empty() {
                return Some(Self::default());
            }
            let clauses = clauses(&accept);
            clauses.iter().find_map(|clause| clause.accepted(allowed))
        };
        let output = match allowed {
            // What is no good for a list is no good for a watch either.
            Allowed::Events => best(Allowed::Objects).map(|_| best(Allowed::Events)),
            Allowed::Objects | Allowed::Documents => best(allowed).map(Some),
        };
        let output = output.ok_or_else(|| ApiError::not_acceptable(SUPPORTED))?;
        let mut output = output.ok_or_else(|| ApiError::not_acceptable(&[STREAM]))?;
        output.pretty = output.pretty || is_pretty(headers, pretty);
        Ok(output)
    }
}

/// Built-in kinds have routes, which first look at the bare media types of the client's wishes: a range like
/// `application/*` is none of theirs. Custom resources, which produce nothing here, have no routes.
pub(crate) fn check_route(headers: &HeaderMap, produced: &[&str]) -> Result<(), ApiError> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let accept = accept.filter(|text| !text.is_empty()).unwrap_or("*/*");
    let accepted = accept.split(',').any(|clause| {
        let media_type = clause
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_matches([' ', '\t']);
        media_type == "*/*" || produced.contains(&media_type)
    });
    if accepted || produced.is_empty() {
        return Ok(());
    }
    Err(ApiError::no_such_representation(produced))
}

/// Whether the request's body is said to be in Kubernetes' binary format, which only built-in kinds have.
pub(crate) fn is_protobuf(headers: &HeaderMap) -> bool {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    media_type
        .trim()
        .eq_ignore_ascii_case("application/vnd.kubernetes.protobuf")
}

/// How the request's body is written.
pub(crate) fn input_format(headers: &HeaderMap) -> Result<Format, ApiError> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = text.unwrap_or(JSON).split(';').next().unwrap_or_default();
    match media_type.trim().to_ascii_lowercase().as_str() {
        "" | JSON => Ok(Format::Json),
        YAML => Ok(Format::Yaml),
        _ => Err(ApiError::unsupported_media_type(SUPPORTED)),
    }
}

/// People with browsers and curl get indented JSON.
/// Which of these media types the client would rather have: the first, if it does not say. For documents that have
/// forms of their own.
pub(crate) fn best<'o>(headers: &HeaderMap, offered: &[&'o str]) -> Option<&'o str> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .filter(|accept| !accept.trim().is_empty())
        .unwrap_or("*/*");
    clauses(accept).iter().find_map(|clause| {
        let mut offered = offered.iter().copied();
        offered.find(|offer| {
            let family = offer.split('/').next().unwrap_or_default();
            clause.media_type == *offer
                || clause.media_type == "*/*"
                || clause.media_type.strip_suffix("/*") == Some(family)
        })
    })
}

fn is_pretty(headers: &HeaderMap, parameter: Option<&str>) -> bool {
    if let Some(text) = parameter.filter(|text| !text.is_empty()) {
        return matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True");
    }
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    agent.is_some_and(|agent| {
        ["curl", "Wget", "Mozilla/5.0"]
            .iter()
            .any(|word| agent.starts_with(word))
    })
}

/// One media range of `Accept`.
struct Clause<'a> {
    media_type: String,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

/// The clauses, best first; equals keep their order.
fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut all: Vec<Clause<'_>> = accept.split(',').filter_map(Clause::parse).collect();
    all.sort_by(|a, b| b.rank().total_cmp(&a.rank()));
    all
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let media_type = parts.next()?.trim().to_ascii_lowercase();
        if media_type.is_empty() {
            return None;
        }
        let mut quality = 1.0;
        let mut parameters = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (key.trim(), value.trim().trim_matches('"'));
            if key == "q" {
                quality = value.parse().unwrap_or(1.0);
            } else {
                parameters.push((key, value));
            }
        }
        Some(Self {
            media_type,
            parameters,
            quality,
        })
    }

    /// Quality first, then how exact the range is.
    fn rank(&self) -> f32 {
        let exactness = match self.media_type.as_str() {
            "*/*" => 0.0,
            other if other.ends_with("/*") => 0.0001,
            _ => 0.0002,
        };
        self.quality + exactness
    }

    fn accepted(&self, allowed: Allowed) -> Option<Output> {
        let format = match self.media_type.as_str() {
            JSON | "*/*" | "application/*" => Format::Json,
            YAML => Format::Yaml,
            _ => return None,
        };
        if allowed == Allowed::Events && format == Format::Yaml {
            return None;
        }
        let value = |key: &str| {
            let found = self.parameters.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| *value)
        };
        if value("stream").is_some_and(|stream| !stream.is_empty() && stream != "watch") {
            return None;
        }
        if value("sv").is_some_and(|version| !version.is_empty() && version != "v1") {
            return None;
        }
        let transform = self.transform(allowed, value("as"), value("g"), value("v"))?;
        Some(Output {
            format,
            transform,
            pretty: value("pretty") == Some("1"),
        })
    }

    fn transform(
        &self,
        allowed: Allowed,
        kind: Option<&str>,
        group: Option<&str>,
        version: Option<&str>,
    ) -> Option<Transform> {
        let Some(kind) = kind else {
            return (group.is_none() && version.is_none()).then_some(Transform::None);
        };
        if allowed == Allowed::Documents || group != Some("meta.k8s.io") {
            return None;
        }
        let version = match version {
            Some("v1") => MetaVersion::V1,
            Some("v1beta1") => MetaVersion::V1Beta1,
            _ => return None,
        };
        match kind {
            "Table" => Some(Transform::Table(version)),
            "PartialObjectMetadata" => Some(Transform::PartialObjectMetadata(version)),
            "PartialObjectMetadataList" => Some(Transform::PartialObjectMetadataList(version)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Format, MetaVersion, Output, Transform};
    use http::{HeaderMap, header};

    fn check(accept: &str, allowed: Allowed, expected: Option<(Format, Transform)>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        let found = Output::negotiate(&headers, None, allowed).ok();
        assert_eq!(
            found.map(|output| (output.format, output.transform)),
            expected,
            "{accept}"
        );
    }

    #[test]
    fn the_best_acceptable_clause_wins() {
        use Allowed::{Documents, Events, Objects};
        let json = Some((Format::Json, Transform::None));
        let table = Some((Format::Json, Transform::Table(MetaVersion::V1)));
        check("", Objects, json);
        check("*/*", Objects, json);
        check("application/json", Objects, json);
        check(
            "application/yaml",
            Objects,
            Some((Format::Yaml, Transform::None)),
        );
        check("application/yaml", Events, None);
        check("text/html", Objects, None);
        check(
            "application/vnd.kubernetes.protobuf,application/json",
            Objects,
            json,
        );
        check(
            "application/json;q=0.5,application/yaml",
            Objects,
            Some((Format::Yaml, Transform::None)),
        );
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Objects,
            table,
        );
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Documents,
            json,
        );
        check(
            "application/json;as=Table;v=v2;g=meta.k8s.io",
            Objects,
            None,
        );
        check("application/json;stream=watch", Events, json);
        check("application/json;stream=other", Events, None);
    }
}
