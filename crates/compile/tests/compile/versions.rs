//! What a class says of the release of Gateway API that the server has.

use serde_json::Value;
use tidegate_compile::{Kind, ObjectKey};

use crate::lab::{Lab, conditions, definition};

/// What a class says, once these definitions are as they are said to be.
#[track_caller]
fn check(changes: &[(Kind, Option<Option<&str>>)], expect: &str) {
    let mut lab = Lab::new(Lab::pool());
    lab.settle();
    for (kind, release) in changes {
        let object = definition(*kind, release.flatten());
        match release {
            Some(_) => lab.put(object),
            None => {
                let name = object["metadata"]["name"].as_str().expect("a name");
                lab.delete(Kind::Definition, &ObjectKey::new("", name));
            }
        }
    }
    lab.settle();
    let mut text = String::new();
    let class = lab.object(Kind::GatewayClass, "tidegate");
    conditions(&class["status"], "", &mut text);
    let said: Vec<&str> = text.lines().collect();
    assert_eq!(
        said[0],
        "Accepted True Accepted @1: the class is handled by this controller"
    );
    assert_eq!(
        said[1..],
        [format!("SupportedVersion {expect}")],
        "{changes:?}"
    );
}

#[test]
fn a_class_says_which_release_there_is() {
    let good = "True SupportedVersion @1: Gateway API v1.6.3 is supported";
    check(&[], good);
    // A kind may be missing; of definitions that aren't read, nothing is known.
    check(&[(Kind::ListenerSet, None)], good);
    check(
        &[(Kind::GatewayClass, None)],
        "Unknown Pending @1: the CustomResourceDefinitions of Gateway API can't be read",
    );
    check(
        &[(Kind::Gateway, Some(Some("v1.6.0-rc.1")))],
        "True SupportedVersion @1: Gateway API v1.6.0-rc.1, v1.6.3 is supported",
    );
    let bad = |of: &str| {
        format!(
            "False UnsupportedVersion @1: Gateway API v1.6 is supported, but the definitions are of {of}; what can be read of them is served"
        )
    };
    let others = "v1.6.3 (ReferenceGrant, GatewayClass, BackendTLSPolicy, ListenerSet, HTTPRoute)";
    for release in ["v1.5.1", "v1.60.0", "v2.6.3", "1.6.3", ""] {
        let mut all = [format!("{release} (Gateway)"), others.to_owned()];
        all.sort();
        check(
            &[(Kind::Gateway, Some(Some(release)))],
            &bad(&all.join(", ")),
        );
    }
    check(
        &[(Kind::Gateway, Some(None))],
        &bad(&format!("{others}, no version (Gateway)")),
    );
}

/// Nothing but a class of ours needs the definitions.
#[test]
fn definitions_are_needed_by_classes_of_ours() {
    let mut lab = Lab::new(Lab::pool());
    lab.settle();
    assert_eq!(lab.compiler.references(Kind::Definition).len(), 6);
    lab.edit(Kind::GatewayClass, "tidegate", |class| {
        class["spec"]["controllerName"] = Value::from("example.com/other");
    });
    lab.settle();
    assert_eq!(lab.compiler.references(Kind::Definition).len(), 0);
}
