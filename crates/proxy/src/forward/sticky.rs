//! What of a request makes it stick to an endpoint.

use tidegate_balance::{hash_address, hash_bytes};
use tidegate_http::KnownName;
use tidegate_routing::{Balance, ConsistentHash};

use crate::{client::Client, decide::Plan, journey::Journey};

/// The hash of what the cluster's balancing goes by. `None`: it goes by nothing of the request's, or it has none of it.
pub(super) fn hash(client: &Client<'_>, plan: &Plan<'_>, journey: &Journey<'_>) -> Option<u64> {
    let fields = &client.head.fields;
    plan.cluster.with_balance(|balance| {
        let Balance::ConsistentHash(by) = balance else {
            return None;
        };
        match by {
            ConsistentHash::Header(name) => fields.get(name).map(hash_bytes),
            ConsistentHash::Cookie(name) => fields
                .all_known(KnownName::Cookie)
                .find_map(|cookies| cookie(cookies, name.as_bytes()))
                .map(hash_bytes),
            ConsistentHash::SourceAddress => Some(hash_address(journey.client)),
        }
    })
}

/// The value of one cookie among `name=value; name=value`.
fn cookie<'a>(cookies: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    cookies
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::cookie;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        for (cookies, expect) in [
            ("id=1", Some("1")),
            ("a=b; id=2; c=d", Some("2")),
            ("xid=3;id=", Some("")),
            ("idx=4", None),
            ("", None),
        ] {
            let got = cookie(cookies.as_bytes(), b"id");
            assert_eq!(got, expect.map(str::as_bytes), "{cookies}");
        }
    }
}
