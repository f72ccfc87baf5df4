//! Endpoints to which no connection can be made: how many of them one request is worth.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tidegate_proxy::{Observer, Observers, Options, RequestRecord};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{World, free_address, get, status};

/// Takes connections until its queue is full, and then says nothing at all.
struct Silent {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Silent {
    async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = "127.0.0.1:0".parse().expect("an address");
        socket.bind(any).expect("bound");
        let listener = socket.listen(1).expect("listening");
        let address = listener.local_addr().expect("an address");
        let mut queue = Vec::new();
        while let Ok(connected) =
            timeout(Duration::from_millis(50), TcpStream::connect(address)).await
        {
            queue.push(connected.expect("connected"));
        }
        Self {
            address,
            _listener: listener,
            _queue: queue,
        }
    }
}

/// The tries of the last request.
#[derive(Clone, Default)]
struct Tries(Arc<AtomicU32>);

impl Observers for Tries {
    fn observer(&self, _worker: usize) -> Box<dyn Observer> {
        Box::new(self.clone())
    }
}

impl Observer for Tries {
    fn ended(&self, record: &RequestRecord<'_>) {
        self.0.store(record.tries, Ordering::Relaxed);
    }
}

/// The status of one request, and its tries.
async fn tried(endpoints: &[SocketAddr]) -> (u16, u32) {
    let tries = Tries::default();
    let mut options = Options {
        observers: Some(Arc::new(tries.clone())),
        ..Options::default()
    };
    options.limits.connect_timeout = Duration::from_millis(100);
    let mut world = World::new();
    world.route("/", endpoints, |_, _| {});
    let proxy = world.serve_with(options).await;
    let got = status(&get(world.address, "/", "").await);
    drop(proxy);
    (got, tries.0.load(Ordering::Relaxed))
}

/// A refusal costs next to nothing; who waits for a connection in vain has waited long enough after a few.
#[tokio::test]
async fn refusals_are_passed_over_more_often_than_silence() {
    let refusing: Vec<SocketAddr> = (0..10).map(|_| free_address()).collect();
    assert_eq!(tried(&refusing).await, (502, 8));
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(Silent::start().await);
    }
    let silent: Vec<SocketAddr> = silent.iter().map(|one| one.address).collect();
    assert_eq!(tried(&silent).await, (504, 3));
}
