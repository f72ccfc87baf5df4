//! What a request wants to do, as the authorizer sees it, and the words of a refusal.

use crate::{text::Quoted, user::User};

/// What a request wants to do. An empty text is "none".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `get`, `list`, `watch`, `create`, …; of other paths the HTTP method in lower case.
    pub verb: &'a str,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The version in the group.
    pub version: &'a str,
    /// The resource, in plural.
    pub resource: &'a str,
    /// The subresource.
    pub subresource: &'a str,
    /// The namespace; empty for all, and for what has none.
    pub namespace: &'a str,
    /// The object's name; empty where the request is not about one.
    pub name: &'a str,
    /// The URL's path. Only looked at where `is_resource` is false.
    pub path: &'a str,
    /// Whether the request is about a resource.
    pub is_resource: bool,
}

/// What a refused user is told, before the reason: `User "x" cannot list resource "pods" in API group "" …`.
#[must_use]
pub fn forbidden_message(user: &User, attributes: &Attributes<'_>) -> String {
    let name = Quoted(&user.name);
    let verb = attributes.verb;
    if !attributes.is_resource {
        return sanitize(&format!(
            "User {name} cannot {verb} path {}",
            Quoted(attributes.path)
        ));
    }
    let resource = match attributes.subresource {
        "" => attributes.resource.to_owned(),
        subresource => format!("{}/{subresource}", attributes.resource),
    };
    let place = match attributes.namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {}", Quoted(namespace)),
    };
    sanitize(&format!(
        "User {name} cannot {verb} resource {} in API group {} {place}",
        Quoted(&resource),
        Quoted(attributes.group)
    ))
}

/// No text that a browser could take for HTML.
fn sanitize(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Attributes, forbidden_message};
    use crate::user::User;

    #[test]
    fn refusals_have_kubernetes_words() {
        fn check(user: &str, attributes: Attributes<'_>, expect: &str) {
            let user = User::named(user, &[]);
            assert_eq!(forbidden_message(&user, &attributes), expect);
        }
        let pods = Attributes {
            verb: "list",
            version: "v1",
            resource: "pods",
            namespace: "y",
            is_resource: true,
            ..Attributes::default()
        };
        check(
            "x",
            pods,
            r#"User "x" cannot list resource "pods" in API group "" in the namespace "y""#,
        );
        check(
            "system:anonymous",
            Attributes {
                group: "apps",
                resource: "deployments",
                subresource: "scale",
                namespace: "",
                verb: "update",
                ..pods
            },
            r#"User "system:anonymous" cannot update resource "deployments/scale" in API group "apps" at the cluster scope"#,
        );
        check(
            "<b>&",
            Attributes {
                verb: "get",
                path: "/x?<y>",
                ..Attributes::default()
            },
            r#"User "&lt;b&gt;&amp;" cannot get path "/x?&lt;y&gt;""#,
        );
    }
}
