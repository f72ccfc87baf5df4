//! Reviews: objects that ask a question and are not stored. Who am I, may I, may they, whose token is this.

use crate::{
    admission::Operation,
    bound::Bound,
    call::{Answer, Call},
    cluster::Cluster,
    object::Meta,
    read::present,
    request::options::{WriteKind, WriteOptions},
    status::ApiError,
    write::Write,
};
use serde_json::{Map, Value, json};
use tidegate_access::{Attributes, User};

/// Answers a review.
pub(crate) fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let options = WriteOptions::parse(&call.query, WriteKind::Create)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let mut review = write.body()?;
    if call.resource.namespaced {
        write.settle_namespace(&mut review)?;
    }
    write.before_review(&mut review)?;
    let status = match call.resource.kind.as_str() {
        "SelfSubjectReview" => json!({ "userInfo": user_info(&call.user) }),
        "SelfSubjectAccessReview" => access(cluster, &call.user, &review["spec"]),
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            access(cluster, &subject(&review["spec"]), &review["spec"])
        }
        "SelfSubjectRulesReview" => rules(cluster, &call.user, &review["spec"]),
        "TokenReview" => token(cluster, &review["spec"]),
        _ => return Err(ApiError::unknown_resource()),
    };
    let request = write.admission(Operation::Create, "", Some(&review), None);
    cluster.validate_admission(&request)?;
    if call.resource.kind == "SelfSubjectReview" {
        review.set_meta("creationTimestamp", cluster.clock.time());
    }
    if call.resource.kind == "SelfSubjectRulesReview" {
        // The answer is another object, with nothing of the question.
        review["metadata"] = json!({});
        review["spec"] = json!({});
    }
    review["status"] = status;
    present::object(cluster, call, 201, review)
}

impl Write<'_> {
    fn before_review(&self, review: &mut Value) -> Result<(), ApiError> {
        *review = self.owned(None, review);
        let resource = self.resource();
        if resource.kind == "TokenReview" && text(&review["spec"], "token").is_empty() {
            return Err(ApiError::bad_request(
                "token is required for TokenReview in authentication",
            ));
        }
        if resource.kind == "SelfSubjectRulesReview"
            && text(&review["spec"], "namespace").is_empty()
        {
            return Err(ApiError::bad_request("no namespace on request"));
        }
        let errors = resource.strategy.validate_create(review);
        if errors.is_empty() {
            return Ok(());
        }
        // Kubernetes names neither kind nor name for those who ask about access.
        let (kind, name) = if resource.group == "authorization.k8s.io" {
            ("", "")
        } else {
            (resource.kind.as_str(), review.name())
        };
        Err(ApiError::invalid(&resource.group, kind, name, &errors))
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn subject(spec: &Value) -> User {
    let extra = spec["extra"].as_object().into_iter().flatten();
    User {
        name: text(spec, "user").to_owned(),
        uid: text(spec, "uid").to_owned(),
        groups: texts(&spec["groups"]),
        extra: extra
            .map(|(key, values)| (key.to_ascii_lowercase(), texts(values)))
            .collect(),
    }
}

fn access(cluster: &Cluster, user: &User, spec: &Value) -> Value {
    let decision = match &spec["resourceAttributes"] {
        Value::Null => {
            let wanted = &spec["nonResourceAttributes"];
            cluster.rbac().authorize(
                user,
                &Attributes {
                    verb: text(wanted, "verb"),
                    path: text(wanted, "path"),
                    ..Attributes::default()
                },
            )
        }
        wanted => cluster.rbac().authorize(
            user,
            &Attributes {
                verb: text(wanted, "verb"),
                group: text(wanted, "group"),
                version: text(wanted, "version"),
                resource: text(wanted, "resource"),
                subresource: text(wanted, "subresource"),
                namespace: text(wanted, "namespace"),
                name: text(wanted, "name"),
                path: "",
                is_resource: true,
            },
        ),
    };
    let mut status = json!({ "allowed": decision.allowed });
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.to_string().into();
    }
    status
}

fn rules(cluster: &Cluster, user: &User, spec: &Value) -> Value {
    let found = cluster.rbac().rules_for(user, text(spec, "namespace"));
    let (mut resources, mut others) = (Vec::new(), Vec::new());
    for rule in &found.rules {
        let object = rule.to_value();
        let list = if rule.non_resource_urls.is_empty() {
            &mut resources
        } else {
            &mut others
        };
        list.push(object);
    }
    let mut status = json!({
        "resourceRules": resources,
        "nonResourceRules": others,
        "incomplete": !found.error.is_empty(),
    });
    if !found.error.is_empty() {
        status["evaluationError"] = found.error.into();
    }
    status
}

fn token(cluster: &Cluster, spec: &Value) -> Value {
    let token = text(spec, "token");
    let audiences = texts(&spec["audiences"]);
    let now = cluster.clock.seconds();
    let bound = Bound(&cluster.store);
    match cluster.authenticator.review(token, &audiences, now, &bound) {
        Ok(verified) => {
            json!({ "authenticated": true, "user": user_info(&verified.user), "audiences": verified.audiences })
        }
        Err(error) => json!({ "user": {}, "error": error.to_string() }),
    }
}

fn user_info(user: &User) -> Value {
    let mut info = Map::new();
    info.insert("username".into(), user.name.as_str().into());
    if !user.uid.is_empty() {
        info.insert("uid".into(), user.uid.as_str().into());
    }
    if !user.groups.is_empty() {
        info.insert("groups".into(), user.groups.clone().into());
    }
    if !user.extra.is_empty() {
        info.insert("extra".into(), json!(user.extra));
    }
    Value::Object(info)
}
