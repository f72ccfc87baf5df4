//! Times of entries: they move only where something else does.

use crate::managed;
use serde_json::Value;

/// Gives the entries of `new` their times in `old`, if the objects differ in nothing but these times.
///
/// The store calls it last, with objects that are complete but for the resourceVersion of the write: both have
/// that of `old`. If they are equal afterwards, the write changes nothing and needs no new version.
pub fn keep_times(new: &mut Value, old: &Value) {
    let entries = |object| managed::raw(object).and_then(Value::as_array);
    let (Some(ours), Some(theirs)) = (entries(new), entries(old)) else {
        return;
    };
    if ours.is_empty() || ours == theirs || !same_but_times(ours, theirs) {
        return;
    }
    let ours = managed::raw(new).cloned();
    managed::set_raw(new, managed::raw(old).cloned());
    if new != old {
        managed::set_raw(new, ours);
    }
}

fn same_but_times(ours: &[Value], theirs: &[Value]) -> bool {
    let same = |(ours, theirs): (&Value, &Value)| {
        let (Some(ours), Some(theirs)) = (ours.as_object(), theirs.as_object()) else {
            return ours == theirs;
        };
        let timeless = |(name, _): &(&String, &Value)| *name != "time";
        ours.iter()
            .filter(timeless)
            .eq(theirs.iter().filter(timeless))
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
}
