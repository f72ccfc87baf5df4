//! What rules do: filters, rewrites, redirects, CORS, weights, mirrors, timeouts, retries, refusals.

use std::{sync::Arc, time::Duration};

use tidegate_routing::{
    Action, BackendChoice, Cluster, ClusterKey, Cors, HeaderChange, Mirror, PathChange, Redirect,
    Retry, Rewrite, Rule, Sampling,
};

use crate::support::{
    Origin, PATIENCE, Script, World, answer, backend, body, cluster, exchange, field, free_address,
    get, rule, status,
};

fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

/// One rule before an origin that answers 200 with what it got; returns what a GET of `path` with `fields` is answered.
async fn through(path: &str, fields: &str, change: impl FnOnce(&mut Rule, &mut Cluster)) -> String {
    let origin = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    world.route("/", &[origin.address], change);
    let _proxy = world.serve().await;
    get(world.address, path, fields).await
}

#[tokio::test]
async fn filters_change_requests_and_answers() {
    let answer = through("/", "x-old: 1\r\nx-set: 1\r\n", |rule, _| {
        rule.filters.set().request.headers = vec![
            HeaderChange::Remove(text("X-Old")),
            HeaderChange::Set(text("x-set"), text("2")),
            HeaderChange::Add(text("x-set"), text("3")),
        ];
        rule.filters.set().response.headers = vec![HeaderChange::Set(text("x-new"), text("4"))];
        let Action::Forward(backends) = &mut rule.action else {
            return;
        };
        backends[0].filters.set().request.headers =
            vec![HeaderChange::Add(text("x-backend"), text("5"))];
        backends[0].filters.set().response.headers =
            vec![HeaderChange::Remove(text("content-type"))];
    })
    .await;
    assert_eq!(field(&answer, "x-new"), Some("4"));
    let seen = body(&answer);
    assert_eq!(field(seen, "x-old"), None);
    for line in ["x-set: 2\r\n", "x-set: 3\r\n"] {
        assert!(seen.contains(line), "{seen}");
    }
    assert!(!seen.contains("x-set: 1\r\n"), "{seen}");
    assert_eq!(field(seen, "x-backend"), Some("5"));
}

#[tokio::test]
async fn rewrites_change_path_and_host_and_keep_the_query() {
    let answer = through("/a/b?c=d", "", |rule, _| {
        rule.filters.set().rewrite = Some(Rewrite {
            hostname: Some(text("new.example")),
            path: Some(PathChange::PrefixMatch(text("/x"))),
        });
    })
    .await;
    let seen = body(&answer);
    assert!(
        seen.starts_with("GET /x/a/b?c=d HTTP/1.1\r\nhost: new.example\r\n"),
        "{seen}"
    );
    assert_eq!(field(seen, "x-forwarded-host"), Some("test.example"));
}

#[tokio::test]
async fn redirects_are_answered_here() {
    let mut world = World::new();
    world.attach(
        "/",
        rule(
            "redirect",
            Action::Redirect(Box::new(Redirect {
                scheme: Some(text("https")),
                hostname: None,
                port: None,
                path: None,
                status: 301,
            })),
        ),
    );
    let _proxy = world.serve().await;
    let answer = get(world.address, "/a?b", "").await;
    assert_eq!(status(&answer), 301);
    assert_eq!(field(&answer, "location"), Some("https://test.example/a?b"));
    assert_eq!(field(&answer, "content-length"), Some("0"));
}

#[tokio::test]
async fn cors_answers_preflights_and_marks_answers() {
    let cors = |rule: &mut Rule, _: &mut Cluster| {
        rule.cors = Some(Arc::new(Cors {
            allow_origins: vec![tidegate_routing::Origin::Of {
                scheme: text("https"),
                host: tidegate_routing::Host::Exact(text("app.example")),
                port: None,
            }],
            allow_credentials: true,
            allow_methods: vec![text("PUT")],
            allow_headers: Vec::new(),
            expose_headers: Vec::new(),
            max_age: Duration::from_secs(5),
        }));
    };
    let allowed = "access-control-allow-origin";
    for (origin, expect) in [
        ("https://app.example", Some("https://app.example")),
        ("https://evil.example", None),
    ] {
        let answer = through("/", &format!("origin: {origin}\r\n"), cors).await;
        assert_eq!((status(&answer), field(&answer, allowed)), (200, expect));
        let origin = Origin::always(&answer).await;
        let mut world = World::new();
        world.route("/", &[origin.address], cors);
        let _proxy = world.serve().await;
        let fields = format!("origin: {}\r\n", "https://app.example");
        let preflight = format!(
            "OPTIONS / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\
             access-control-request-method: PUT\r\n\r\n"
        );
        let answer = exchange(world.address, &preflight).await;
        assert_eq!(status(&answer), 204, "{answer}");
        assert_eq!(field(&answer, "access-control-allow-methods"), Some("PUT"));
        assert_eq!(origin.seen().len(), 0);
    }
}

#[tokio::test]
async fn what_can_not_be_served_has_its_status() {
    let dead = free_address();
    let mut world = World::new();
    let fail = |status, reason| Action::Fail {
        status,
        reason: text(reason),
    };
    world.attach("/fail", rule("fail", fail(500, "bad")));
    world.route("/empty", &[], |_, _| {});
    world.route("/refused", &[dead], |_, cluster| {
        cluster.refused = Some((503, text("no policy")));
    });
    world.route("/dead", &[dead], |_, _| {});
    let mut invalid = backend(&ClusterKey(text("none")), 1);
    invalid.choice = BackendChoice::Invalid {
        status: 500,
        reason: text("none"),
    };
    world.attach("/invalid", rule("invalid", Action::Forward(vec![invalid])));
    let gone = backend(&ClusterKey(text("gone")), 1);
    world.attach("/gone", rule("gone", Action::Forward(vec![gone])));
    let none = backend(&ClusterKey(text("none")), 0);
    world.attach(
        "/weightless",
        rule("weightless", Action::Forward(vec![none])),
    );
    let _proxy = world.serve().await;
    for (path, expect) in [
        ("/fail", 500),
        ("/empty", 503),
        ("/refused", 503),
        ("/dead", 502),
        ("/invalid", 500),
        ("/gone", 500),
        ("/weightless", 500),
        ("/nowhere", 404),
    ] {
        let answer = get(world.address, path, "").await;
        assert_eq!(status(&answer), expect, "{path} {answer}");
    }
}

#[tokio::test]
async fn weights_are_kept_exactly() {
    let one = Origin::always(&answer(200, "", "1")).await;
    let two = Origin::always(&answer(200, "", "2")).await;
    let mut world = World::new();
    let (first, second) = (ClusterKey(text("1")), ClusterKey(text("2")));
    world.clusters.push(cluster(&first, &[one.address]));
    world.clusters.push(cluster(&second, &[two.address]));
    let backends = vec![backend(&first, 70), backend(&second, 30)];
    world.attach("/", rule("weighted", Action::Forward(backends)));
    let _proxy = world.serve().await;
    for _ in 0..100 {
        assert_eq!(status(&get(world.address, "/", "").await), 200);
    }
    assert_eq!((one.seen().len(), two.seen().len()), (70, 30));
}

#[tokio::test]
async fn mirrors_get_their_share_whole() {
    let origin = Origin::start(|_, _| Script::Echo).await;
    let copy = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    let key = ClusterKey(text("copy"));
    world.clusters.push(cluster(&key, &[copy.address]));
    world.route("/", &[origin.address], |rule, _| {
        rule.filters.set().mirrors = vec![Mirror {
            backend: BackendChoice::Cluster(key),
            sampling: Sampling {
                numerator: 50,
                denominator: 100,
            },
        }];
    });
    let _proxy = world.serve().await;
    for _ in 0..20 {
        let request = "POST /p HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
            transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        assert_eq!(status(&exchange(world.address, request).await), 200);
    }
    let waited = tokio::time::timeout(PATIENCE, async {
        while copy.seen().len() < 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("all copies");
    assert_eq!(copy.seen().len(), 10);
    assert!(copy.seen().iter().all(|seen| body(seen) == "hello"));
    assert!(copy.seen()[0].starts_with("POST /p HTTP/1.1\r\n"));
}

#[tokio::test]
async fn timeouts_become_504() {
    let late = answer(200, "", "late").into_bytes();
    let wait = Duration::from_millis(600);
    let origin = Origin::start(move |_, _| Script::Late(wait, late.clone())).await;
    let mut world = World::new();
    let short = Some(Duration::from_millis(100));
    world.route("/request", &[origin.address], |rule, _| {
        rule.timeouts.request = short;
    });
    world.route("/backend", &[origin.address], |rule, _| {
        rule.timeouts.backend_request = short;
    });
    world.route("/patient", &[origin.address], |rule, _| {
        rule.timeouts.request = Some(PATIENCE);
    });
    let _proxy = world.serve().await;
    for (path, expect) in [("/request", 504), ("/backend", 504), ("/patient", 200)] {
        let begun = std::time::Instant::now();
        let answer = get(world.address, path, "").await;
        assert_eq!(status(&answer), expect, "{path}");
        assert!(expect == 200 || begun.elapsed() < wait, "{path}");
    }
}

/// A rule that tries `attempts` times more on 500 and 503, before an origin that answers by `script`; returns the status
/// of a request and how many the origin saw.
async fn retried(
    attempts: u32,
    request: &str,
    script: impl Fn(&str, usize) -> Script + Send + Sync + 'static,
) -> (u16, usize) {
    let origin = Origin::start(script).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |rule, _| {
        rule.retry = Some(Box::new(Retry {
            attempts,
            backoff: Duration::from_millis(1),
            codes: vec![500, 503],
        }));
    });
    let _proxy = world.serve().await;
    let answer = exchange(world.address, request).await;
    if status(&answer) == 200 && request.starts_with("POST") {
        assert_eq!(body(&answer), "abc");
    }
    (status(&answer), origin.seen().len())
}

fn failing_until(last: usize, code: u16) -> impl Fn(&str, usize) -> Script + Send + Sync {
    move |request, number| match number < last {
        true => Script::Answer(answer(code, "", "no").into_bytes()),
        false => Script::Answer(answer(200, "", body(request)).into_bytes()),
    }
}

#[tokio::test]
async fn retries_follow_their_rule() {
    let get = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";
    let break_once = |request: &str, number: usize| match number {
        0 => Script::Close,
        _ => Script::Answer(answer(200, "", body(request)).into_bytes()),
    };
    assert_eq!(retried(2, get, failing_until(2, 503)).await, (200, 3));
    assert_eq!(retried(2, get, failing_until(9, 503)).await, (503, 3));
    assert_eq!(retried(2, get, failing_until(9, 502)).await, (502, 1));
    assert_eq!(retried(0, get, failing_until(1, 503)).await, (503, 1));
    assert_eq!(retried(1, post, failing_until(1, 500)).await, (200, 2));
    assert_eq!(retried(1, get, break_once).await, (200, 2));
    assert_eq!(retried(1, post, break_once).await, (502, 1));
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_passed_over() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[free_address(), origin.address], |_, _| {});
    let _proxy = world.serve().await;
    for _ in 0..10 {
        assert_eq!(status(&get(world.address, "/", "").await), 200);
    }
}

/// A kept connection that the origin has closed meanwhile costs no request.
#[tokio::test]
async fn a_stale_connection_is_replaced() {
    let ok = answer(200, "", "ok").into_bytes();
    let origin = Origin::start(move |_, _| Script::Last(ok.clone())).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    for _ in 0..20 {
        assert_eq!(status(&get(world.address, "/", "").await), 200);
    }
    assert_eq!(origin.seen().len(), 20);
}

#[tokio::test]
async fn breakers_refuse_what_is_too_much() {
    let ok = answer(200, "", "ok").into_bytes();
    let wait = Duration::from_millis(300);
    let origin = Origin::start(move |_, _| Script::Late(wait, ok.clone())).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, cluster| {
        cluster.limits.requests = Some(1);
    });
    let _proxy = world.serve().await;
    let (one, two) = tokio::join!(get(world.address, "/", ""), get(world.address, "/", ""));
    let mut statuses = [status(&one), status(&two)];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    let refused = if status(&one) == 503 { &one } else { &two };
    assert_eq!(field(refused, "retry-after"), Some("1"));
}
