//! A DNS server on loopback, by UDP and TCP, that says what it is told to, and counts what it was asked.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tidegate_proxy::NameOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

/// What is said of a name.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Addresses(u32, Vec<IpAddr>),
    /// By TCP; by UDP, that it is too long.
    Long(u32, Vec<IpAddr>),
    /// By this code.
    Code(u8),
    Nothing,
}

/// The server. Names that it does not know are gone for a second.
#[derive(Clone)]
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    said: Arc<Mutex<HashMap<String, Said>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Files that say which server is asked. They go with this.
pub(crate) struct Machine(PathBuf);

impl Dns {
    pub(crate) async fn start() -> Self {
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = tcp.local_addr().expect("its address");
            if let Ok(udp) = UdpSocket::bind(address).await {
                break (tcp, udp);
            }
        };
        let dns = Self {
            address: tcp.local_addr().expect("its address"),
            said: Arc::default(),
            asked: Arc::default(),
        };
        tokio::spawn(dns.clone().by_udp(udp));
        tokio::spawn(dns.clone().by_tcp(tcp));
        dns
    }

    pub(crate) fn say(&self, name: &str, said: Said) {
        let mut all = self.said.lock().expect("unpoisoned");
        all.insert(name.to_owned(), said);
    }

    /// Addresses, for so many seconds.
    pub(crate) fn say_addresses(&self, name: &str, ttl_s: u32, addresses: &[&str]) {
        let addresses = addresses.iter().map(|one| one.parse().expect("an address"));
        self.say(name, Said::Addresses(ttl_s, addresses.collect()));
    }

    /// Questions so far, as `udp NAME TYPE`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("unpoisoned").clone()
    }

    async fn by_udp(self, socket: UdpSocket) {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            if let Some(answer) = self.answer(&buffer[..length], false) {
                // Something that is no answer to it comes first.
                let _ = socket.send_to(b"nonsense", from).await;
                let _ = socket.send_to(&answer, from).await;
            }
        }
    }

    async fn by_tcp(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let own = self.clone();
            tokio::spawn(async move {
                let length = stream.read_u16().await?;
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await?;
                let Some(answer) = own.answer(&question, true) else {
                    return Ok(());
                };
                let length = u16::try_from(answer.len()).expect("short");
                stream.write_all(&length.to_be_bytes()).await?;
                stream.write_all(&answer).await
            });
        }
    }

    fn answer(&self, question: &[u8], tcp: bool) -> Option<Vec<u8>> {
        let (mut labels, mut at) = (Vec::new(), 12);
        while question[at] > 0 {
            let end = at + 1 + usize::from(question[at]);
            labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
            at = end;
        }
        let name = labels.join(".");
        let is_v4 = question[at + 2] == 1;
        let way = if tcp { "tcp" } else { "udp" };
        let kind = if is_v4 { "A" } else { "AAAA" };
        let asked = format!("{way} {name} {kind}");
        self.asked.lock().expect("unpoisoned").push(asked);
        let said = self.said.lock().expect("unpoisoned").get(&name).cloned();
        let mut answer = question.to_vec();
        answer[2..4].copy_from_slice(&[0x81, 0x80]);
        match said {
            Some(Said::Long(..)) if !tcp => answer[2] |= 2,
            Some(Said::Addresses(ttl_s, addresses) | Said::Long(ttl_s, addresses)) => {
                let of_kind = addresses
                    .iter()
                    .filter(|address| address.is_ipv4() == is_v4);
                for address in of_kind {
                    answer[7] += 1;
                    answer.extend(record(*address, ttl_s));
                }
            }
            Some(Said::Code(code)) => answer[3] |= code,
            Some(Said::Nothing) => return None,
            None => answer[3] |= 3,
        }
        if answer[7] == 0 && answer[2] & 2 == 0 {
            // For a second: the root's SOA.
            answer[9] = 1;
            answer.extend([0, 0, 6, 0, 1, 0, 0, 0, 1, 0, 22, 0, 0]);
            answer.extend([0; 16]);
            answer.extend([0, 0, 0, 1]);
        }
        Some(answer)
    }
}

fn record(address: IpAddr, ttl_s: u32) -> Vec<u8> {
    let (kind, data) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (28, v6.octets().to_vec()),
    };
    let mut record = vec![0xc0, 12, 0, kind, 0, 1];
    record.extend(ttl_s.to_be_bytes());
    record.extend([0, u8::try_from(data.len()).expect("short")]);
    record.extend(data);
    record
}

impl Machine {
    /// With these lines of `resolv.conf` beside the server's, and these hosts.
    pub(crate) fn new(name: &str, dns: &Dns, lines: &str, hosts: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let conf = format!("nameserver {}\noptions timeout:1\n{lines}\n", dns.address);
        std::fs::write(folder.join("resolv.conf"), conf).expect("written");
        std::fs::write(folder.join("hosts"), hosts).expect("written");
        Self(folder)
    }

    pub(crate) fn names(&self) -> NameOptions {
        NameOptions {
            resolv_conf: self.path().join("resolv.conf"),
            hosts: self.path().join("hosts"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
