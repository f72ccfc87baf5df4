//! Lists: a state, the objects of it that are selected, a page of them.

use super::{continue_token::ContinueToken, present, selection::Selection, version};
use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    request::options::{EXACT, ListOptions},
    status::ApiError,
};
use tidegate_store::{Entry, Snapshot};

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The state that was read.
    pub(crate) revision: u64,
    /// The objects, in the order of their keys.
    pub(crate) items: Vec<Entry>,
    /// How to go on, where there is more.
    pub(crate) continue_token: Option<String>,
    /// How many follow, where that is known.
    pub(crate) remaining: Option<u64>,
}

/// Answers a list.
pub(crate) async fn list(
    cluster: &Cluster,
    call: &Call,
    options: &ListOptions,
) -> Result<Answer, ApiError> {
    let page = selected(cluster, call, options).await?;
    present::list(cluster, call, page)
}

/// The page that is asked for.
pub(crate) async fn selected(
    cluster: &Cluster,
    call: &Call,
    options: &ListOptions,
) -> Result<Page, ApiError> {
    let selection = Selection::new(&call.resource, &call.info, options)?;
    let (snapshot, start) = state(cluster, call, options, &selection).await?;
    Ok(page(call, options, &selection, &snapshot, start.as_deref()))
}

/// The state to read, and the key at which to begin.
async fn state(
    cluster: &Cluster,
    call: &Call,
    options: &ListOptions,
    selection: &Selection,
) -> Result<(Snapshot, Option<String>), ApiError> {
    let store = &cluster.store;
    if !options.continue_token.is_empty() {
        let token = ContinueToken::decode(&options.continue_token)?;
        if !matches!(options.resource_version.as_str(), "" | "0") {
            return Err(ApiError::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let start = format!("{}{}", selection.prefix(&call.resource), token.start);
        let snapshot = match token.revision {
            Some(revision) => version::exact(store, revision).await.map_err(|error| {
                if error.code == 410 {
                    continue_expired(token.start)
                } else {
                    error
                }
            })?,
            None => store.snapshot(),
        };
        return Ok((snapshot, Some(start)));
    }
    let wanted = version::parse(&options.resource_version)
        .map_err(|error| ApiError::bad_request(format!("invalid resource version: {error}")))?;
    let Some(wanted) = wanted else {
        return Ok((store.snapshot(), None));
    };
    let exact = match options.resource_version_match.as_str() {
        EXACT => true,
        "" => options.limit > 0,
        _ => false,
    };
    let snapshot = if exact {
        version::exact(store, wanted).await?
    } else {
        version::not_older_than(store, wanted).await?
    };
    Ok((snapshot, None))
}

/// The history no longer reaches back to the first page: the client may go on in the newest state.
fn continue_expired(start: String) -> ApiError {
    let token = ContinueToken {
        revision: None,
        start,
    };
    ApiError::expired_continue(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        token.encode(),
    )
}

/// What is left of a list at "any version" comes at once.
fn goes_on_without_end(options: &ListOptions) -> bool {
    !options.continue_token.is_empty() && options.resource_version == "0"
}

fn page(
    call: &Call,
    options: &ListOptions,
    selection: &Selection,
    snapshot: &Snapshot,
    start: Option<&str>,
) -> Page {
    let prefix = selection.prefix(&call.resource);
    let limit = usize::try_from(options.limit)
        .ok()
        .filter(|limit| *limit > 0 && !goes_on_without_end(options))
        .unwrap_or(usize::MAX);
    let mut items = Vec::new();
    let mut last_key = None;
    let mut seen = 0_u64;
    let mut more = false;
    for (key, entry) in snapshot.range_from(&prefix, start) {
        if items.len() == limit {
            more = true;
            break;
        }
        seen += 1;
        last_key = Some(key);
        if selection.matches(&call.resource, key, &entry.value) {
            items.push(entry.clone());
        }
    }
    let continue_token = last_key.filter(|_| more).map(|key| {
        let below = key.strip_prefix(&prefix).unwrap_or(key);
        let token = ContinueToken {
            revision: Some(snapshot.revision()),
            start: format!("{below}\0"),
        };
        token.encode()
    });
    let remaining = (more && selection.is_everything()).then(|| {
        let skipped = start.map_or(0, |start| snapshot.count_before(&prefix, start));
        snapshot
            .count(&prefix)
            .saturating_sub(skipped)
            .saturating_sub(seen)
    });
    Page {
        revision: snapshot.revision(),
        items,
        continue_token,
        remaining,
    }
}
