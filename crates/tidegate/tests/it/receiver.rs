//! A webhook receiver made of a thread and a socket: answers with one status, remembers what came.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// On a port that nobody listens on yet.
    pub(crate) fn reserve() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
    }

    pub(crate) fn start(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the port");
        let receiver = Self {
            taken: Arc::default(),
        };
        let taken = Arc::clone(&receiver.taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                thread::spawn(move || serve(stream, &taken));
            }
        });
        receiver
    }

    /// Waits until the test is content with what was taken.
    pub(crate) fn wait(&self, what: &str, content: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + crate::process::PATIENCE;
        loop {
            let taken = self.taken.lock().expect("unpoisoned").clone();
            if content(&taken) {
                return taken;
            }
            assert!(Instant::now() < deadline, "no {what}, but {taken:#?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn serve(stream: TcpStream, taken: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        taken
            .lock()
            .expect("unpoisoned")
            .push(serde_json::from_slice(&body).expect("JSON"));
        if writer
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .is_err()
        {
            return;
        }
    }
}
