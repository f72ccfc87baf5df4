//! At most ten managers of updates: the oldest are merged into `ancient-changes`, for each API version.

use crate::{
    managed::{ManagerId, Operation, Owned},
    updater::Managers,
};
use std::collections::BTreeMap;

const UPDATE_MANAGERS_MAX: usize = 10;

pub(super) fn limit(managers: &mut Managers) {
    let mut updaters: Vec<ManagerId> = managers
        .keys()
        .filter(|id| Owned::is_update(id))
        .cloned()
        .collect();
    if updaters.len() <= UPDATE_MANAGERS_MAX {
        return;
    }
    updaters.sort_by_cached_key(|id| {
        let time = managers.get(id).and_then(|owned| owned.time);
        (time.unwrap_or(0), id.sort_key())
    });
    let mut first_of: BTreeMap<String, ManagerId> = BTreeMap::new();
    let mut left = updaters.len();
    for id in updaters {
        if left <= UPDATE_MANAGERS_MAX {
            break;
        }
        let Some(owned) = managers.get(&id).cloned() else {
            continue;
        };
        let version = owned.api_version.clone();
        let Some(first) = first_of.get(&version) else {
            first_of.insert(version, id);
            continue;
        };
        let bucket = ManagerId::new("ancient-changes", Operation::Update, &version, "");
        if !managers.contains_key(&bucket)
            && let Some(first) = managers.remove(first)
        {
            managers.insert(bucket.clone(), first);
        }
        managers.remove(&id);
        if let Some(bucket) = managers.get_mut(&bucket) {
            bucket.fields = owned.fields.union(&bucket.fields);
            // The later of the two.
            bucket.time = owned.time;
        }
        left -= 1;
    }
}
