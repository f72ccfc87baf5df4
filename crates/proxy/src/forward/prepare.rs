//! What is changed in a request on its way: fields once, the head for each try.

use std::net::SocketAddr;

use tidegate_http::{Framing, KnownName, RequestHead, RequestLine, remove_hop_by_hop};
use tidegate_routing::Rewrite;

use crate::{client::Client, decide::Plan, fields, handle::Origin, journey::Journey, observe};

/// Fields of the request, as every try sends them.
pub(super) fn fields(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    journey: &Journey<'_>,
) {
    let head = &mut *client.head;
    remove_hop_by_hop(&mut head.fields);
    let trusted_hops = origin.worker.setup.trusted_hops;
    fields::Forwarded {
        peer: &origin.connection.peer_text,
        secure: origin.secure.is_some(),
        authority: head.target.authority(),
        trusted_hops,
    }
    .apply(&mut head.fields);
    let id = journey.id.as_str().as_bytes();
    if trusted_hops == 0 && head.fields.has(KnownName::XRequestId) {
        head.fields.remove(KnownName::XRequestId.as_str());
    }
    if !head.fields.has(KnownName::XRequestId) {
        // It is made of digits.
        let _ = head.fields.push_known(KnownName::XRequestId, id);
    }
    if let Some(span) = &journey.span {
        observe::pass_on(span, &mut head.fields);
    }
    fields::change(&mut head.fields, plan.rule.filters.request());
    fields::change(&mut head.fields, plan.backend.filters.request());
}

/// Lends `act` the line of the head for one try that goes by `plan`, with a body of this framing. Only an exchange on a
/// `connection` can wait for a 100, or become a tunnel.
pub(super) fn with_line<T>(
    head: &RequestHead,
    plan: &Plan<'_>,
    connection: Option<SocketAddr>,
    framing: Framing,
    act: impl FnOnce(&RequestLine<'_>) -> T,
) -> T {
    let rewrite = |pick: fn(&Rewrite) -> bool| {
        let both = [&plan.backend.filters, &plan.rule.filters];
        let mut own = both.into_iter().filter_map(|filters| filters.rewrite());
        own.find(|rewrite| pick(rewrite))
    };
    let target = &head.target;
    let path = rewrite(|rewrite| rewrite.path.is_some()).and_then(|rewrite| rewrite.path.as_ref());
    let [first, second, third] = match path {
        Some(change) => change.apply(&plan.attachment.when.path, target.path()).0,
        None => [target.path(), "", ""],
    };
    let hostname = rewrite(|rewrite| rewrite.hostname.is_some())
        .and_then(|rewrite| rewrite.hostname.as_deref());
    let address;
    let authority = match hostname {
        Some(hostname) => hostname,
        // HTTP/1.0 knows requests without a host.
        None if target.authority().is_empty() => {
            address = connection.map_or_else(String::new, |address| address.to_string());
            &address
        }
        None => target.authority(),
    };
    act(&RequestLine {
        method: head.method.as_str(),
        target: [first, second, third, target.question()],
        authority,
        framing,
        upgrade: head.upgrade.filter(|_| connection.is_some()),
        te_trailers: head.te_trailers,
        expect_continue: head.expect_continue && connection.is_some(),
    })
}
