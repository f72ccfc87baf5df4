//! How many files, sockets included, the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes all that is allowed, where the system first gives few, for the sake of programs that use `select`. Yields how
/// many that are, where there is a limit.
pub(crate) fn take_all() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, all) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            limit.current
        }
    };
    current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}
