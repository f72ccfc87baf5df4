//! Second tries beside late first ones.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tidegate_proxy::{Hedge, Observer, Observers, Options, Proxy, RequestRecord};
use tidegate_routing::{Hedging, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    h2::head,
    h2_support::{H2Origin, Reply},
    support::{Origin, PATIENCE, Script, World, answer, body, exchange, get, status},
};

/// Tries, and what became of the second.
type Tries = (u32, Option<Hedge>);

/// Request by request.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<Tries>>>);

impl Observers for Records {
    fn observer(&self, _worker: usize) -> Box<dyn Observer> {
        Box::new(self.clone())
    }
}

impl Observer for Records {
    fn ended(&self, record: &RequestRecord<'_>) {
        let own = (record.tries, record.hedge);
        self.0.lock().expect("unpoisoned").push(own);
    }
}

impl Records {
    fn take(&self) -> Vec<Tries> {
        std::mem::take(&mut *self.0.lock().expect("unpoisoned"))
    }
}

/// Serves hedged endpoints.
async fn serve(
    world: &mut World,
    endpoints: &[SocketAddr],
    protocol: Protocol,
) -> (Proxy, Records) {
    world.route("/", endpoints, |_, cluster| {
        cluster.protocol = protocol;
        cluster.hedging = Some(Hedging {
            delay: Duration::from_millis(50),
        });
    });
    let records = Records::default();
    let options = Options {
        observers: Some(Arc::new(records.clone())),
        ..Options::default()
    };
    (world.serve_with(options).await, records)
}

/// Reads a request and never answers; says when its connection ends.
async fn mute() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, ended) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let _ = stream.read_to_end(&mut bytes).await;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let _ = sender.send(text);
            });
        }
    });
    (address, ended)
}

fn send(method: &str, sent: &str) -> String {
    let length = sent.len();
    format!(
        "{method} / HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{sent}"
    )
}

#[tokio::test]
async fn a_late_answer_is_overtaken() {
    let (slow, mut ended) = mute().await;
    let quick = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    let (_proxy, records) = serve(&mut world, &[slow, quick.address], Protocol::Http).await;
    let mut won = 0;
    for (method, sent) in [("GET", ""), ("PUT", "hello"), ("GET", ""), ("PUT", "hello")] {
        let got = exchange(world.address, &send(method, sent)).await;
        assert_eq!(status(&got), 200, "{got}");
        assert!(
            body(&got).starts_with(method) && body(&got).ends_with(sent),
            "{got}"
        );
        for (tries, hedge) in records.take() {
            assert_eq!(tries == 2, hedge == Some(Hedge::Won), "{tries} {hedge:?}");
            if hedge.is_some() {
                won += 1;
                // The loser had all of it, and its connection was closed.
                let text = tokio::time::timeout(PATIENCE, ended.recv()).await;
                let text = text.expect("closed").expect("a request");
                assert!(text.starts_with(method) && text.ends_with(sent), "{text}");
            }
        }
    }
    assert!(won > 0);
}

/// The same by HTTP/2: the loser's stream is reset, and its connection stays.
#[tokio::test]
async fn a_late_stream_is_reset() {
    let slow = H2Origin::start(|_, _| Reply::Nothing).await;
    let quick = H2Origin::start(|_, _| Reply::Echo).await;
    let mut world = World::new();
    let endpoints = [slow.address, quick.address];
    let (_proxy, records) = serve(&mut world, &endpoints, Protocol::Http2).await;
    let mut won = 0;
    while won < 3 {
        let got = exchange(world.address, &send("PUT", "hello")).await;
        assert_eq!(status(&got), 200, "{got}");
        if records.take() == [(2, Some(Hedge::Won))] {
            let reset = tokio::time::timeout(PATIENCE, slow.reset.notified());
            reset.await.expect("reset");
            won += 1;
        }
    }
    assert_eq!(slow.seen().len(), won);
    let connections = &slow.connections;
    assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}

/// A second try that fails, or is bad, changes nothing but that it was made.
#[tokio::test]
async fn the_first_good_answer_wins() {
    let late = Duration::from_millis(600);
    let slow =
        move |code| move |_: &str, _| Script::Late(late, answer(code, "", "slow").into_bytes());
    let fast = |code: u16| move |_: &str, _| Script::Answer(answer(code, "", "fast").into_bytes());
    for (first, second, expect) in [
        (200, Some(200), ("fast", Hedge::Won)),
        (200, Some(404), ("fast", Hedge::Won)),
        (200, Some(503), ("slow", Hedge::Lost)),
        (503, Some(503), ("slow", Hedge::Lost)),
        (200, None, ("slow", Hedge::Lost)),
    ] {
        let one = Origin::start(slow(first)).await;
        let other = match second {
            Some(code) => Origin::start(fast(code)).await,
            None => Origin::start(|_, _| Script::Close).await,
        };
        let mut world = World::new();
        let endpoints = [one.address, other.address];
        let (_proxy, records) = serve(&mut world, &endpoints, Protocol::Http).await;
        // The one that is slow is the first for one of two requests, at least.
        let mut hedged = None;
        while hedged.is_none() {
            let got = get(world.address, "/", "").await;
            let (tries, hedge) = records.take()[0];
            hedged = hedge.map(|hedge| (tries, body(&got).to_owned(), hedge));
        }
        let expect = (2, expect.0.to_owned(), expect.1);
        assert_eq!(hedged, Some(expect), "{first} {second:?}");
    }
}

/// Who may not be repeated, or has nobody else to ask, waits; so does who has no hedging.
#[tokio::test]
async fn what_may_not_be_repeated_is_not() {
    let late = Duration::from_millis(600);
    let slow = move |_: &str, _| Script::Late(late, answer(200, "", "slow").into_bytes());
    let (one, other) = (Origin::start(slow).await, Origin::start(slow).await);
    let large = "x".repeat(100 * 1024);
    let chunked = "PUT / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-end: 1\r\n\r\n";
    let both = [one.address, other.address];
    for (request, endpoints, expect) in [
        (send("GET", ""), &both[..], 2),
        (send("POST", ""), &both[..], 1),
        (send("PATCH", "hello"), &both[..], 1),
        (send("PUT", &large), &both[..], 1),
        (chunked.to_owned(), &both[..], 1),
        (send("GET", ""), &both[..1], 1),
    ] {
        let mut world = World::new();
        let (_proxy, records) = serve(&mut world, endpoints, Protocol::Http).await;
        let got = exchange(world.address, &request).await;
        assert_eq!(status(&got), 200, "{got}");
        let what = request.lines().next().unwrap_or_default();
        assert_eq!(records.take()[0].0, expect, "{what} {}", request.len());
    }
    let mut world = World::new();
    let (proxy, records) = serve(&mut world, &both, Protocol::Http).await;
    world.route("/", &both, |_, _| {});
    proxy.apply(world.snapshot()).await.expect("applied");
    assert_eq!(body(&get(world.address, "/", "").await), "slow");
    assert_eq!(records.take(), [(1, None)]);
}

/// As far as breakers allow: a second try is a request of its own. And they are counted well.
#[tokio::test]
async fn breakers_bound_second_tries() {
    let late = Duration::from_millis(600);
    let slow = move |_: &str, _| Script::Late(late, answer(200, "", "slow").into_bytes());
    let (one, other) = (Origin::start(slow).await, Origin::start(slow).await);
    let mut world = World::new();
    let both = [one.address, other.address];
    let (proxy, records) = serve(&mut world, &both, Protocol::Http).await;
    for (requests, expect) in [(1, 1), (2, 2), (2, 2), (1, 1)] {
        world.clusters[0].limits.requests = Some(requests);
        proxy.apply(world.snapshot()).await.expect("applied");
        assert_eq!(status(&get(world.address, "/", "").await), 200);
        assert_eq!(records.take()[0].0, expect, "{requests}");
    }
}

/// Not more than the budget of retries gives, however many are late.
#[tokio::test]
async fn the_budget_bounds_second_tries() {
    let late = Duration::from_millis(600);
    let slow = move |_: &str, _| Script::Late(late, answer(200, "", "slow").into_bytes());
    let (one, other) = (Origin::start(slow).await, Origin::start(slow).await);
    let mut world = World::new();
    let both = [one.address, other.address];
    let (_proxy, records) = serve(&mut world, &both, Protocol::Http).await;
    let begun = std::time::Instant::now();
    let asking: Vec<_> = (0..60)
        .map(|_| tokio::spawn(async move { get(world.address, "/", "").await }))
        .collect();
    for task in asking {
        assert_eq!(status(&task.await.expect("an answer")), 200);
    }
    let twice = records.take().iter().filter(|one| one.0 == 2).count() as u128;
    // A fifth of the requests, and ten for each second and its beginning.
    let most = 60 / 5 + 10 + begun.elapsed().as_millis() / 100;
    assert!((1..=most).contains(&twice), "{twice} of {most}");
}

/// An answer that has begun is passed on whole, and the client's connection goes on.
#[tokio::test]
async fn connections_go_on_behind_a_second_answer() {
    let (slow, _ended) = mute().await;
    let large = "y".repeat(200 * 1024);
    let text = answer(200, "", &large).into_bytes();
    let quick = Origin::start(move |_, _| Script::Answer(text.clone())).await;
    let mut world = World::new();
    let (_proxy, records) = serve(&mut world, &[slow, quick.address], Protocol::Http).await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let mut rest = Vec::new();
    for _ in 0..4 {
        let ask = b"GET / HTTP/1.1\r\nhost: test.example\r\n\r\n";
        stream.write_all(ask).await.expect("sent");
        let got = crate::support::read_message(&mut stream, &mut rest).await;
        assert_eq!(body(&got.expect("an answer")), large);
    }
    let won = records
        .take()
        .into_iter()
        .filter(|one| one.1 == Some(Hedge::Won));
    assert!(won.count() > 0);
    // The winner's connection is kept, too.
    assert_eq!(*quick.connections.lock().expect("unpoisoned"), 1);
}

/// A client of HTTP/2 gets an answer of HTTP/2 from the second endpoint as from the first.
#[tokio::test]
async fn clients_of_h2_are_answered_by_the_second() {
    let slow = H2Origin::start(|_, _| Reply::Nothing).await;
    let quick = H2Origin::start(|_, _| {
        let end = crate::h2::trailers("x-end", "1");
        Reply::Answer(Box::new(head(200, &[])), b"quick".to_vec(), Some(end))
    })
    .await;
    let mut world = World::new();
    let endpoints = [slow.address, quick.address];
    let (_proxy, records) = serve(&mut world, &endpoints, Protocol::Http2).await;
    let sender = crate::h2_support::connect(world.address).await;
    for _ in 0..4 {
        let message = crate::h2_support::request("PUT", "/");
        let got = crate::h2_support::ask(&sender, message, b"hello", None).await;
        let got = got.expect("an answer");
        assert_eq!(
            (&got.body[..], got.trailer("x-end")),
            (&b"quick"[..], Some("1"))
        );
    }
    let mut hedges = records.take().into_iter().filter_map(|one| one.1);
    assert_eq!(hedges.next(), Some(Hedge::Won));
}
