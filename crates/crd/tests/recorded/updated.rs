//! Changed definitions: what is refused, and the status of what is not.

use super::{cases, recorded, told};
use serde_json::Value;
use tidegate_crd::{conditions, default, prepare_update, validate_update};

/// Times differ from run to run.
fn timeless(status: &Value) -> Value {
    let mut status = status.clone();
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
    }
    status
}

fn check(name: &str, sent: &Value, answer: &Value) -> Result<(), String> {
    let (old, mut new) = (&sent["old"], sent["new"].clone());
    new["metadata"]["generation"] = old["metadata"]["generation"].clone();
    default(&mut new);
    prepare_update(&mut new, old);
    let (ours, theirs) = (told(&validate_update(&new, old)), recorded(answer));
    if ours != theirs {
        return Err(format!(
            "{name}\n  ours   {}\n  theirs {}",
            ours.join("\n         "),
            theirs.join("\n         ")
        ));
    }
    if answer["code"] != 200 {
        return Ok(());
    }
    let later = conditions(&new, &[], "2026-01-01T00:00:00Z");
    for (what, ours, theirs) in [
        (
            "status",
            timeless(&new["status"]),
            timeless(&answer["status"]),
        ),
        ("later", timeless(&later), timeless(&answer["later"])),
        (
            "generation",
            new["metadata"]["generation"].clone(),
            answer["generation"].clone(),
        ),
    ] {
        if ours != theirs {
            return Err(format!(
                "{name}: {what}\n  ours   {ours}\n  theirs {theirs}"
            ));
        }
    }
    Ok(())
}

#[test]
fn updates_are_refused_or_change_the_status_as_in_kube_apiserver() {
    let cases = cases("update", "status");
    assert!(cases.len() >= 14, "only {} cases", cases.len());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|(name, sent, answer)| check(name, sent, answer).err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}
