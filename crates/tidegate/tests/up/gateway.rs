//! The gateway from outside: objects are applied, and real requests are answered as they say.

use crate::{
    folder::Folder,
    objects::{
        BACKENDS, GATEWAYS, ROUTES, ask, backend, condition, create, gateway, programmed, route,
        until_answer, up,
    },
    origin::{self, Origin},
    process::{PATIENCE, Running, Up, finish, until},
};
use http::Method;
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// Asks again and again, on a new connection each time.
struct Asking {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(u32, Vec<String>)>,
}

impl Asking {
    fn start(at: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut asked = 0;
            let mut failed = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let answer = ask(at, "/");
                asked += 1;
                if !answer.starts_with("200") {
                    failed.push(answer);
                }
            }
            (asked, failed)
        });
        Self { stop, thread }
    }

    /// None has failed.
    #[track_caller]
    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (asked, failed) = self.thread.join().expect("no panic");
        assert!(asked > 50, "{asked} requests");
        let first = failed.first();
        assert!(
            failed.is_empty(),
            "{} of {asked} failed: {first:?}",
            failed.len()
        );
    }
}

#[test]
fn objects_become_traffic() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.1.0/24");
    let api = up.api();
    let (a, b) = (Origin::start("a"), Origin::start("b"));
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, BACKENDS, &backend("a", a.address()));
    create(&api, BACKENDS, &backend("b", b.address()));
    let at = programmed(&api, "web");
    until_answer(at, "/", "404");
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    until_answer(at, "/x?y", "200 a GET /x?y");
    let settled = until("the route's status", || {
        let (_, object) = api.get(&format!("{ROUTES}/r"));
        condition(&object, "Accepted").map(|_| object)
    });
    assert_eq!(
        condition(&settled, "Accepted").as_deref(),
        Some("True Accepted")
    );
    assert_eq!(
        condition(&settled, "ResolvedRefs").as_deref(),
        Some("True ResolvedRefs")
    );

    // An edit moves traffic, and an answer in between is one or the other.
    let moved = json!({ "spec": { "rules": [{ "backendRefs": [{ "group": "tidegate.dev", "kind": "Backend", "name": "b" }] }] } });
    let (status, answer) = api.send(&Method::PATCH, &format!("{ROUTES}/r"), &moved);
    assert_eq!(status, 200, "{answer}");
    until_answer(at, "/", "200 b");

    // A reference to nothing fails that route, and says so.
    let lost = json!({ "spec": { "rules": [{ "backendRefs": [{ "group": "tidegate.dev", "kind": "Backend", "name": "none" }] }] } });
    api.send(&Method::PATCH, &format!("{ROUTES}/r"), &lost);
    until_answer(at, "/", "500");
    until("the condition", || {
        let (_, object) = api.get(&format!("{ROUTES}/r"));
        (condition(&object, "ResolvedRefs")? == "False BackendNotFound").then_some(())
    });

    let (status, _) = api.send(&Method::DELETE, &format!("{ROUTES}/r"), &json!({}));
    assert_eq!(status, 200);
    until_answer(at, "/", "404");
    up.end();
}

/// What a class says of the definitions that `up` has installed, and of others.
#[test]
fn the_class_says_which_release_there_is() {
    const CLASS: &str = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/tidegate";
    const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io";
    let folder = Folder::new();
    let up = up(&folder, "127.43.16.0/24");
    let api = up.api();
    let says = |status: &str, words: &str| {
        until(words, || {
            let (_, class) = api.get(CLASS);
            let conditions = class["status"]["conditions"].as_array()?;
            let one = conditions
                .iter()
                .find(|one| one["type"] == "SupportedVersion")?;
            let message = one["message"].as_str()?;
            (one["status"] == status && message.contains(words)).then_some(())
        });
    };
    says("True", "Gateway API v1.6.3 is supported");
    let (status, definition) = api.get(DEFINITION);
    assert_eq!(status, 200, "{definition}");
    let old = json!({ "metadata": { "annotations": { "gateway.networking.k8s.io/bundle-version": "v1.4.0" } } });
    let (status, answer) = api.send(&Method::PATCH, DEFINITION, &old);
    assert_eq!(status, 200, "{answer}");
    says("False", "v1.4.0 (Gateway)");
    up.end();
}

/// How often the control loop has waited for something.
fn turns(up: &Up) -> u64 {
    let tasks = format!("/proc/{}/task", up.running.pid());
    let read = |task: &Path, file| fs::read_to_string(task.join(file)).unwrap_or_default();
    let tasks = fs::read_dir(tasks).expect("threads").flatten();
    let control = tasks
        .map(|task| task.path())
        .find(|task| read(task, "comm").trim() == "control");
    let status = read(&control.expect("the loop's thread"), "status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok())
        .expect("a count")
}

/// A configuration without anything in it was handed to the workers again and again.
#[test]
fn a_loop_with_nothing_to_do_does_nothing() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.12.0/24");
    let before = turns(&up);
    thread::sleep(Duration::from_millis(500));
    let turned = turns(&up) - before;
    assert!(turned < 100, "{turned} turns");
    up.end();
}

#[test]
fn manifests_with_gateways_are_served_at_the_first_start() {
    let folder = Folder::new();
    let origin = Origin::start("a");
    let objects = [
        gateway("web", 8080),
        backend("a", origin.address()),
        route("r", "web", "/", "a"),
    ];
    let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
    folder.write("files/all.yaml", &text.join("\n---\n"));
    let (data, files) = (folder.text("data"), folder.text("files"));
    let up = Up::with_gateway(&[
        "--data-dir",
        &data,
        "--manifests",
        &files,
        "--address-pool",
        "127.43.13.0/24",
        "--admin",
        "127.0.0.1:0",
    ]);
    let faults: Vec<String> = up.running.complaints();
    assert!(
        faults.iter().all(|line| line.ends_with(" applied")),
        "{faults:?}"
    );
    until_answer(programmed(&up.api(), "web"), "/", "200 a");
    up.end();
}

#[test]
fn nothing_fails_while_a_route_is_edited() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.2.0/24");
    let api = up.api();
    let (a, b) = (Origin::start("a"), Origin::start("b"));
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, BACKENDS, &backend("a", a.address()));
    create(&api, BACKENDS, &backend("b", b.address()));
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    let at = programmed(&api, "web");
    until_answer(at, "/", "200");
    let asking = Asking::start(at);
    for turn in 0..100 {
        let name = if turn % 2 == 0 { "b" } else { "a" };
        let patch = json!({ "spec": { "rules": [{ "backendRefs": [{ "group": "tidegate.dev", "kind": "Backend", "name": name }] }] } });
        let (status, answer) = api.send(&Method::PATCH, &format!("{ROUTES}/r"), &patch);
        assert_eq!(status, 200, "{answer}");
    }
    until_answer(at, "/", "200 a");
    asking.end();
    up.end();
}

#[test]
fn commands_from_nothing_to_an_explanation() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.3.0/24");
    let kubeconfig = up.kubeconfig.display().to_string();
    let origin = Origin::start("a");
    let url = format!("http://{}/base", origin.address());
    let exposed = finish(&[
        "expose",
        "shop",
        &url,
        "--path",
        "/shop",
        "--host",
        "shop.localhost",
        "--kubeconfig",
        &kubeconfig,
    ]);
    assert_eq!(
        (exposed.code, exposed.stderr.as_str()),
        (Some(0), ""),
        "{}",
        exposed.stdout
    );
    assert!(
        exposed
            .stdout
            .contains("gateway/tidegate applied\nbackend/shop applied\nhttproute/shop applied\n"),
        "{}",
        exposed.stdout
    );
    // What is refused leaves nothing behind.
    let refused = ["expose", "half", &url, "--host", "no host", "--kubeconfig"];
    let refused = finish(&[&refused[..], &[kubeconfig.as_str()]].concat());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(
        refused.stderr.contains("spec.hostnames[0]"),
        "{}",
        refused.stderr
    );
    let (status, _) = up.api().get(&format!("{BACKENDS}/half"));
    assert_eq!(status, 404);
    let at = programmed(&up.api(), "tidegate");
    let answer = origin::get_host(at, "/shop/x", "shop.localhost").expect("an answer");
    assert_eq!(answer, (200, "a GET /base/x".to_owned()));

    check_routes_and_explain(&up, at);
    up.end();
}

/// What is said of the one route that `expose` has made.
#[track_caller]
fn check_routes_and_explain(up: &Up, at: SocketAddr) {
    let kubeconfig = up.kubeconfig.display().to_string();
    let admin = up.admin.expect("a gateway").to_string();
    let admin = admin.as_str();
    let listed = finish(&["routes", "--kubeconfig", &kubeconfig, "--admin", admin]);
    let line = listed.stdout.lines().nth(1).unwrap_or_default();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        words,
        format!("default/shop {at} shop.localhost /shop backend/shop 1 not probed ok")
    );

    let url = format!("http://{at}/shop/x");
    let explained = finish(&[
        "explain",
        &url,
        "-H",
        "Host: shop.localhost",
        "--admin",
        admin,
    ]);
    assert_eq!(explained.code, Some(0), "{}", explained.stderr);
    assert!(
        explained
            .stdout
            .contains("route     HTTPRoute default/shop rule 0"),
        "{}",
        explained.stdout
    );
    let lost = finish(&["explain", &url, "-H", "Host: other", "--admin", admin]);
    assert!(lost.stdout.contains("answer    404"), "{}", lost.stdout);
}

/// A `tidegate gateway` on a server of `tidegate up`.
fn gateway_on(kubeconfig: &str, pool: &str, state: &str) -> Running {
    Running::start(&[
        "gateway",
        "--kubeconfig",
        kubeconfig,
        "--address-pool",
        pool,
        "--admin",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--state-dir",
        state,
        "--allow-local-backends",
    ])
}

#[test]
fn serves_without_the_server_and_after_a_restart() {
    let folder = Folder::new();
    let kubeconfig = folder.text("data/admin.kubeconfig");
    let state = folder.text("state");
    let pool = "127.43.4.0/24";
    // It installs the definitions; its own gateway has no class to serve here.
    let mut server = up(&folder, "127.43.5.0/24");
    let api = server.api();
    server.running.signal("TERM");
    assert_eq!(server.running.wait(), Some(0));
    drop(api);
    let port = folder.free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut server = Up::on(&folder, &["--listen", &listen]);
    let api = server.api();
    let origin = Origin::start("a");
    let first = gateway_on(&kubeconfig, pool, &state);
    first.complains("leading");
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, BACKENDS, &backend("a", origin.address()));
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    let at = programmed(&api, "web");
    until_answer(at, "/", "200 a");
    let (_, lease) = api.get(&format!("{LEASES}/tidegate-gateway-tidegate"));
    assert!(
        lease["spec"]["holderIdentity"]
            .as_str()
            .is_some_and(|holder| !holder.is_empty()),
        "{lease}"
    );

    server.running.signal("KILL");
    server.running.wait();
    for _ in 0..20 {
        assert_eq!(ask(at, "/"), "200 a GET /");
    }
    // The last state is written when it ends; a killed process has what was written before.
    first.signal("TERM");
    let mut first = first;
    assert_eq!(first.wait(), Some(0));
    assert!(ask(at, "/").contains("refused"));
    let second = gateway_on(&kubeconfig, pool, &state);
    second.complains("serving from disk");
    until_answer(at, "/", "200 a");

    // The server comes back, and what was changed while it was heard by nobody is taken up.
    let server = Up::on(&folder, &["--listen", &listen]);
    let api = server.api();
    let (status, _) = api.send(&Method::DELETE, &format!("{ROUTES}/r"), &json!({}));
    assert_eq!(status, 200);
    until_answer(at, "/", "404");
    server.end();
}

#[test]
fn a_new_process_takes_over_without_a_failed_request() {
    let folder = Folder::new();
    let server = up(&folder, "127.43.6.0/24");
    let api = server.api();
    let kubeconfig = server.kubeconfig.display().to_string();
    let state = folder.text("state");
    let origin = Origin::start("a");
    create(&api, BACKENDS, &backend("a", origin.address()));
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    // The same objects on a pool of its own: what status says is the other gateway's affair.
    let mut old = gateway_on(&kubeconfig, "127.43.7.0/24", &state);
    old.complains("ready");
    let at = until("an address of the second gateway", || {
        (1..255)
            .map(|last| SocketAddr::from(([127, 43, 7, last], 8080)))
            .find(|at| ask(*at, "/").starts_with("200"))
    });
    let asking = Asking::start(at);
    for _ in 0..3 {
        let new = gateway_on(&kubeconfig, "127.43.7.0/24", &state);
        new.complains("taking over");
        new.complains("ready");
        assert_eq!(old.wait(), Some(0));
        old = new;
    }
    asking.end();
    old.signal("TERM");
    assert_eq!(old.wait(), Some(0));
    server.end();
}

/// How long it takes from the acknowledgement of a new route to the first 200. `TIDEGATE_ROUTES` says how many there are
/// before.
#[test]
#[ignore = "a measurement, for a release build"]
#[expect(clippy::print_stdout, reason = "its result is what it says")]
fn change_to_answer() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.8.0/24");
    let api = up.api();
    let origin = Origin::start("a");
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, BACKENDS, &backend("a", origin.address()));
    let at = programmed(&api, "web");
    let before: u32 =
        std::env::var("TIDEGATE_ROUTES").map_or(500, |text| text.parse().expect("a number"));
    for number in 0..before {
        let name = format!("old-{number}");
        create(&api, ROUTES, &route(&name, "web", &format!("/{name}"), "a"));
    }
    until_answer(at, &format!("/old-{}", before - 1), "200");
    let mut times = Vec::new();
    let mut wrong = Vec::new();
    for number in 0..500 {
        let name = format!("new-{number}");
        let path = format!("/{name}");
        create(&api, ROUTES, &route(&name, "web", &path, "a"));
        let acknowledged = Instant::now();
        loop {
            let answer = ask(at, &path);
            if answer.starts_with("200") {
                break;
            }
            if !answer.starts_with("404") {
                wrong.push(answer);
            }
            assert!(acknowledged.elapsed() < PATIENCE, "{path} is not served");
        }
        times.push(acknowledged.elapsed());
    }
    times.sort();
    let micros = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    println!(
        "{before} routes before: p50 {} us, p90 {} us, p99 {} us, longest {} us",
        micros(50),
        micros(90),
        micros(99),
        micros(100)
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    up.end();
}
