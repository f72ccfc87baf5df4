//! What a request is about, read from its method and path as kube-apiserver's `RequestInfo` does.

/// A request's place in the API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RequestInfo {
    /// Whether the path names a resource at all.
    pub(crate) is_resource: bool,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for other paths the
    /// HTTP method in lower case.
    pub(crate) verb: &'static str,
    /// The API group, empty for the core.
    pub(crate) group: String,
    /// The version in the group.
    pub(crate) version: String,
    /// The namespace, empty at cluster scope.
    pub(crate) namespace: String,
    /// The plural name.
    pub(crate) resource: String,
    /// `status`, `scale`, …, empty for the object itself.
    pub(crate) subresource: String,
    /// The object's name, empty for a collection.
    pub(crate) name: String,
    /// What follows the subresource.
    pub(crate) rest: Vec<String>,
    /// The path, as it came.
    pub(crate) path: String,
    /// The path ends with a verb that must have something behind it.
    pub(crate) is_broken: bool,
}

impl RequestInfo {
    /// Reads a method and a path. `watch` says whether the query asks for a watch, `name_selector` which name a
    /// field selector demands.
    pub(crate) fn parse(
        method: &http::Method,
        path: &str,
        watch: bool,
        name_selector: Option<&str>,
    ) -> Self {
        let mut info = Self {
            verb: plain_verb(method),
            path: path.to_owned(),
            ..Self::default()
        };
        let path = decoded(path);
        let parts = path.trim_matches('/').split('/');
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        let core = match parts.first().map(String::as_str) {
            Some("api") => true,
            Some("apis") => false,
            _ => return info,
        };
        if parts.len() < if core { 3 } else { 4 } {
            return info;
        }
        parts.remove(0);
        if !core {
            info.group = parts.remove(0);
        }
        info.version = parts.remove(0);
        info.is_resource = true;
        info.verb = resource_verb(method);
        info.is_broken = matches!(parts.as_slice(), [verb] if verb == "watch" || verb == "proxy");
        let mut prefixed = false;
        if parts.first().is_some_and(|part| part == "watch") && parts.len() > 1 {
            // The deprecated prefix.
            parts.remove(0);
            prefixed = true;
        }
        info.place(parts);
        info.settle_verb(watch, prefixed, name_selector);
        info
    }

    fn place(&mut self, mut parts: Vec<String>) {
        if parts[0] == "namespaces" && parts.len() > 1 {
            self.namespace.clone_from(&parts[1]);
            // `namespaces/x/pods` is about pods, but `namespaces/x/status` about the namespace.
            if parts.len() > 2 && !matches!(parts[2].as_str(), "status" | "finalize") {
                parts.drain(..2);
            }
        }
        let mut parts = parts.into_iter();
        self.resource = parts.next().unwrap_or_default();
        self.name = parts.next().unwrap_or_default();
        self.subresource = parts.next().unwrap_or_default();
        self.rest = parts.collect();
    }

    fn settle_verb(&mut self, watch: bool, prefixed: bool, name_selector: Option<&str>) {
        if prefixed {
            self.verb = "watch";
        } else if self.name.is_empty() && self.verb == "get" {
            self.verb = if watch { "watch" } else { "list" };
            if let Some(name) = name_selector {
                self.name = name.to_owned();
            }
        }
        if self.name.is_empty() && self.verb == "delete" {
            self.verb = "deletecollection";
        }
    }
}

fn resource_verb(method: &http::Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

fn plain_verb(method: &http::Method) -> &'static str {
    match method.as_str() {
        "POST" => "post",
        "GET" => "get",
        "HEAD" => "head",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        _ => "",
    }
}

/// A path without its percent signs, as Go splits it; as it is where they are broken.
fn decoded(path: &str) -> String {
    super::query::percent_decoded(path, false).unwrap_or_else(|| path.to_owned())
}

impl RequestInfo {
    /// What kube-apiserver says of a path that it can't read.
    pub(crate) fn fault(&self, uri: &http::Uri) -> Option<String> {
        let uri = uri.path_and_query().map_or("/", |uri| uri.as_str());
        let text = format!(
            "Internal Server Error: {uri:?}: failed to create RequestInfo: unable to determine kind and namespace \
             from url, {uri}\n"
        );
        let text = text.replace('&', "&amp;");
        let text = text.replace('<', "&lt;").replace('>', "&gt;");
        self.is_broken.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::RequestInfo;

    /// `METHOD path -> verb group/version namespace resource subresource name`, `-` for what is empty.
    fn check(line: &str) {
        let (request, expected) = line.split_once(" -> ").expect("a case");
        let (method, path) = request.split_once(' ').expect("a method");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let method = method.parse().expect("a method");
        let info = RequestInfo::parse(&method, path, query == "watch", None);
        let dash = |text: &str| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text.to_owned()
            }
        };
        let found = [
            info.verb,
            &dash(&info.group),
            &dash(&info.version),
            &dash(&info.namespace),
            &dash(&info.resource),
            &dash(&info.subresource),
            &dash(&info.name),
        ]
        .join(" ");
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn paths_name_places() {
        for line in [
            "GET /api/v1/pods -> list - v1 - pods - -",
            "GET /api/v1/pods?watch -> watch - v1 - pods - -",
            "GET /api/v1/namespaces/a/pods/b -> get - v1 a pods - b",
            "GET /api/v1/namespaces/a -> get - v1 a namespaces - a",
            "PUT /api/v1/namespaces/a/finalize -> update - v1 a namespaces finalize a",
            "PATCH /apis/apps/v1/namespaces/a/deployments/d/scale -> patch apps v1 a deployments scale d",
            "DELETE /apis/apps/v1/namespaces/a/deployments -> deletecollection apps v1 a deployments - -",
            "GET /api/v1/watch/pods -> watch - v1 - pods - -",
            "GET /apis/apps/v1 -> get - - - - - -",
            "POST /healthz -> post - - - - - -",
            "GET /api/v1/namespaces/a%2Fb/pods -> get - v1 a b - pods",
            "GET /api/v1/namespaces/a%20b/pods -> list - v1 a b pods - -",
        ] {
            check(line);
        }
    }

    #[test]
    fn a_verb_needs_something_behind_it() {
        let fault = |uri: &str| {
            let uri: http::Uri = uri.parse().expect("a case");
            RequestInfo::parse(&http::Method::GET, uri.path(), false, None).fault(&uri)
        };
        assert_eq!(fault("/api/v1/watch/pods"), None);
        assert_eq!(fault("/apis/apps/v1/watch/deployments"), None);
        assert_eq!(
            fault("/api/v1/watch/?a=1&b=%3C").as_deref(),
            Some(
                "Internal Server Error: \"/api/v1/watch/?a=1&amp;b=%3C\": failed to create RequestInfo: unable to \
                 determine kind and namespace from url, /api/v1/watch/?a=1&amp;b=%3C\n"
            )
        );
    }
}
