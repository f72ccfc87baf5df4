//! What is a candidate, and what isn't: places, health, ejection, retries.

use tidegate_routing::{Balance, Locality, Near};

use super::{MS, SECOND, balances, count, endpoints, id_of, number, outliers, pick, settings};
use crate::{Balancer, Outcome, PickRequest, random::Draws};

/// Which numbers get requests, with some unhealthy ones.
fn check(here: &str, near: Near, list: &str, unhealthy: &[u16], expect: &str) {
    for balance in balances() {
        let sticky = matches!(balance, Balance::ConsistentHash(_));
        if sticky && near != Near::Anywhere {
            continue;
        }
        let mut settings = settings(balance.clone());
        let (zone, node) = here.split_once('/').unwrap_or((here, ""));
        let name = |text: &str| (!text.is_empty()).then(|| text.into());
        settings.here = Locality {
            zone: name(zone),
            node: name(node),
        };
        settings.near = near;
        let mut balancer = Balancer::new(settings, &endpoints(list), 0);
        for at in unhealthy {
            let id = id_of(&balancer, *at);
            balancer.set_healthy(id, false, 0);
        }
        let mut draws = Draws::new(3);
        let got = match pick(&mut balancer, &mut draws, 0) {
            None => "none".to_owned(),
            Some(id) => {
                balancer.finish(id, Outcome::Success, None, 0);
                let counts = count(&mut balancer, &mut draws, 500, 0);
                let numbers: Vec<String> = counts.keys().map(u16::to_string).collect();
                numbers.join(" ")
            }
        };
        assert_eq!(
            got, expect,
            "{balance:?} at {here}, {near:?}: {list} without {unhealthy:?}"
        );
    }
}

#[test]
fn near_endpoints_are_preferred_where_they_can_carry_it() {
    for (here, near, list, expect) in [
        ("", Near::SameZone, "1@a 2@b", "1 2"),
        ("a", Near::Anywhere, "1@a 2@b", "1 2"),
        ("a", Near::SameZone, "1@a 2@b", "1"),
        ("c", Near::SameZone, "1@a 2@b", "1 2"),
        ("a", Near::SameZone, "1 2", "1 2"),
        // A fair share of two zones is half: 1 of 3 isn't 70 % of it, 2 of 5 is.
        ("a", Near::SameZone, "1@a 2@b 3@b", "1 2 3"),
        ("a", Near::SameZone, "1@a 2@a 3@b 4@b 5@b", "1 2"),
        ("a", Near::SameZone, "1*1@a 2*3@b", "1 2"),
        ("a", Near::SameZone, "1*3@a 2*1@b", "1"),
        ("a/n", Near::SameZone, "1@a/n 2@a/m 3@b/o", "1 2"),
        ("a/n", Near::SameNode, "1@a/n 2@a/m 3@b/o", "1"),
        ("a/x", Near::SameNode, "1@a/n 2@a/m 3@b/o", "1 2"),
        ("a", Near::SameZone, "1@a- 2@b", "2"),
    ] {
        check(here, near, list, &[], expect);
    }
}

#[test]
fn unhealthy_endpoints_get_nothing_until_too_few_are_left() {
    for (list, unhealthy, expect) in [
        ("1 2 3 4", &[][..], "1 2 3 4"),
        ("1 2 3 4", &[1], "2 3 4"),
        ("1 2 3 4", &[1, 2], "3 4"),
        ("1 2 3 4", &[1, 2, 3], "1 2 3 4"),
        ("1", &[1], "1"),
        ("1- 2 3", &[2], "3"),
        ("1- 2-", &[], "none"),
        ("", &[], "none"),
    ] {
        check("", Near::Anywhere, list, unhealthy, expect);
    }
}

/// An endpoint's failures: rests of 10, 20, 40 s and so on, and nothing is sent there meanwhile.
#[test]
fn an_ejected_endpoint_rests_longer_each_time_and_comes_back() {
    let mut settings = settings(Balance::RoundRobin);
    settings.outliers = Some(outliers(3, 50));
    let mut balancer = Balancer::new(settings, &endpoints("1 2 3"), 0);
    let bad = id_of(&balancer, 1);
    let mut draws = Draws::new(1);
    let mut now_ns = 0;
    let mut fail = |balancer: &mut Balancer, now_ns: u64, outcome: Outcome| loop {
        let id = pick(balancer, &mut draws, now_ns).expect("an endpoint");
        let own = if id == bad { outcome } else { Outcome::Success };
        balancer.finish(id, own, Some(MS), now_ns);
        if id == bad {
            return;
        }
    };
    for _ in 0..2 {
        fail(&mut balancer, 0, Outcome::Failure);
    }
    fail(&mut balancer, 0, Outcome::Success);
    for _ in 0..2 {
        fail(&mut balancer, 0, Outcome::Failure);
    }
    assert_eq!(balancer.ejections(), 0, "the failures were not in a row");
    for (times, rest_s) in (1..).zip([10, 20, 40, 80, 160, 300, 300]) {
        fail(&mut balancer, now_ns, Outcome::Failure);
        assert_eq!(balancer.ejections(), times);
        now_ns += rest_s * SECOND;
        let counts = count(&mut balancer, &mut Draws::new(2), 300, now_ns - 1);
        assert_eq!(counts.get(&1), None, "rest {times}");
        let counts = count(&mut balancer, &mut Draws::new(2), 300, now_ns);
        assert!(counts[&1] >= 90, "after rest {times}: {counts:?}");
        // Its successes just now are forgotten, but it isn't forgiven yet.
        for _ in 0..2 {
            fail(&mut balancer, now_ns, Outcome::Failure);
        }
    }
    now_ns += 10_000 * SECOND;
    fail(&mut balancer, now_ns, Outcome::Failure);
    now_ns += 10_000 * SECOND;
    fail(&mut balancer, now_ns, Outcome::Success);
    for _ in 0..3 {
        fail(&mut balancer, now_ns, Outcome::Failure);
    }
    let counts = count(&mut balancer, &mut Draws::new(2), 300, now_ns + 10 * SECOND);
    assert!(
        counts[&1] >= 90,
        "forgiven, the rest is the first again: {counts:?}"
    );
}

#[test]
fn not_more_rest_than_allowed_and_never_all() {
    for (list, percent, expect) in [
        ("1 2 3 4", 50, 2),
        ("1 2 3 4", 25, 1),
        ("1 2 3 4", 10, 1),
        ("1 2 3 4", 0, 0),
        ("1 2 3 4", 100, 4),
        ("1", 100, 1),
    ] {
        let mut settings = settings(Balance::Random);
        settings.outliers = Some(outliers(1, percent));
        let mut balancer = Balancer::new(settings, &endpoints(list), 0);
        let mut draws = Draws::new(9);
        for _ in 0..200 {
            let id = pick(&mut balancer, &mut draws, 0).expect("never without an endpoint");
            balancer.finish(id, Outcome::Failure, None, 0);
        }
        assert_eq!(balancer.ejections(), expect, "{list} with {percent} %");
    }
}

/// A late answer of a request from before, or a client that left, changes nothing.
#[test]
fn what_says_nothing_is_not_counted() {
    let mut settings = settings(Balance::Random);
    settings.outliers = Some(outliers(2, 100));
    let mut balancer = Balancer::new(settings, &endpoints("1 2"), 0);
    let id = id_of(&balancer, 1);
    let mut draws = Draws::new(9);
    let mut open = 0;
    while open < 10 {
        match pick(&mut balancer, &mut draws, 0) {
            Some(picked) if picked == id => open += 1,
            Some(other) => balancer.finish(other, Outcome::Success, None, 0),
            None => panic!("no endpoint"),
        }
    }
    for _ in 0..4 {
        balancer.finish(id, Outcome::Unknown, None, 0);
    }
    assert_eq!(balancer.ejections(), 0);
    for _ in 0..6 {
        balancer.finish(id, Outcome::Failure, None, SECOND);
    }
    assert_eq!(balancer.ejections(), 1);
    let status = balancer.status(id, SECOND).expect("it is there");
    assert!(status.ejected && status.active == 0, "{status:?}");
    assert!(
        !balancer
            .status(id, 11 * SECOND)
            .expect("it is there")
            .ejected
    );
}

/// A retry goes elsewhere while there is an elsewhere.
#[test]
fn tried_endpoints_are_avoided() {
    for balance in balances() {
        let mut balancer = Balancer::new(settings(balance.clone()), &endpoints("1 2*9 3 4"), 0);
        let mut draws = Draws::new(4);
        for _ in 0..500 {
            let mut tried = Vec::new();
            for attempt in 1..=5 {
                let request = PickRequest {
                    hash: Some(draws.next()),
                    tried: &tried,
                    random: draws.next(),
                };
                let id = balancer.pick(&request, 0).expect("an endpoint");
                let again = tried.contains(&id);
                assert_eq!(again, attempt == 5, "{balance:?}: attempt {attempt}");
                tried.push(id);
            }
            for id in tried {
                balancer.finish(id, Outcome::Success, None, 0);
            }
        }
    }
}

/// An id never means another endpoint than the one it was given for.
#[test]
fn ids_of_endpoints_that_went_mean_nothing() {
    let mut balancer = Balancer::new(settings(Balance::Random), &endpoints("1 2"), 0);
    let gone = id_of(&balancer, 1);
    balancer.set_endpoints(&endpoints("2 3"), 0);
    assert!(balancer.endpoint(gone).is_none());
    balancer.finish(gone, Outcome::Failure, None, 0);
    balancer.set_healthy(gone, false, 0);
    balancer.set_endpoints(&endpoints("1 2 3 3 3"), 0);
    assert_ne!(id_of(&balancer, 1), gone);
    assert_eq!(
        balancer.endpoints().count(),
        3,
        "one destination is one endpoint"
    );
    let ids: Vec<u16> = balancer
        .endpoints()
        .map(|(id, _)| number(&balancer, id))
        .collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}
