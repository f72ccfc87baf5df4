//! What is said over the socket: any number of messages with sockets, a last one without, and then, from the new
//! process, that it serves. Blocking; each step has a limit of time.

use rustix::{
    cmsg_space,
    fd::{AsFd, BorrowedFd},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};
use std::{
    fs,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Sockets in one message. The kernel takes no more than 253.
const EACH_MAX: usize = 64;
/// Sockets in all: more than any gateway has, less than a process may open.
const ALL_MAX: usize = 65_536;
/// How long one step may take.
const STEP_MAX: Duration = Duration::from_secs(5);
/// How long a new process may take until it serves.
const SERVE_MAX: Duration = Duration::from_secs(60);

const SOCKETS: u8 = b's';
const END: u8 = b'e';
const SERVED: u8 = b'r';

/// Nothing where nobody listens.
pub(super) fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect(path) {
        Ok(stream) => {
            stream.set_read_timeout(Some(STEP_MAX))?;
            stream.set_write_timeout(Some(STEP_MAX))?;
            Ok(Some(stream))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Takes the place of a socket that an ended process left, and answers those who connect.
pub(super) fn offer(
    path: PathBuf,
    listeners: impl Fn() -> io::Result<Vec<TcpListener>> + Send + 'static,
    served: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixListener::bind(&path)?;
    thread::Builder::new()
        .name("handover".to_owned())
        .spawn(move || {
            for stream in socket.incoming() {
                match stream.and_then(|stream| give(&stream, &listeners)) {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::warn!(%error, "a new process did not take over");
                        thread::sleep(Duration::from_millis(100));
                    }
                }
            }
            served();
        })?;
    Ok(())
}

/// Gives everything to one new process, and waits until it serves.
fn give(
    stream: &UnixStream,
    listeners: &impl Fn() -> io::Result<Vec<TcpListener>>,
) -> io::Result<()> {
    stream.set_write_timeout(Some(STEP_MAX))?;
    stream.set_read_timeout(Some(SERVE_MAX))?;
    let listeners = listeners()?;
    tracing::info!(sockets = listeners.len(), "a new process takes over");
    send(stream, &listeners)?;
    let mut word = [0];
    let mut reader = stream;
    reader.read_exact(&mut word)?;
    match word {
        [SERVED] => Ok(()),
        _ => Err(io::Error::other("it says something unknown")),
    }
}

fn send(stream: &UnixStream, listeners: &[TcpListener]) -> io::Result<()> {
    for some in listeners.chunks(EACH_MAX) {
        let sockets: Vec<BorrowedFd<'_>> = some.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(EACH_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
            return Err(io::Error::other("too many sockets for one message"));
        }
        sendmsg(
            stream,
            &[IoSlice::new(&[SOCKETS])],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
    }
    let mut writer = stream;
    writer.write_all(&[END])
}

/// All sockets of the old process.
pub(super) fn receive(stream: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    while listeners.len() <= ALL_MAX {
        let mut word = [0];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(EACH_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(
            stream,
            &mut [IoSliceMut::new(&mut word)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                listeners.extend(sockets.map(TcpListener::from));
            }
        }
        match (got.bytes, word) {
            (0, _) => break,
            (_, [END]) => return Ok(listeners),
            (_, [SOCKETS]) => {}
            _ => return Err(io::Error::other("the old process says something unknown")),
        }
    }
    Err(io::Error::other("the old process did not give its sockets"))
}

pub(super) fn say_served(mut stream: &UnixStream) -> io::Result<()> {
    stream.write_all(&[SERVED])
}

#[cfg(test)]
mod tests {
    use super::super::{Predecessor, offer};
    use std::{
        fs,
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        sync::mpsc::channel,
        time::Duration,
    };

    #[test]
    fn sockets_go_over_and_the_old_process_is_dismissed() {
        let dir = std::env::temp_dir().join(format!("tidegate-handover-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        assert!(Predecessor::ask(&dir).expect("asked").is_none());
        let sockets: Vec<TcpListener> = (0..100)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .collect();
        let addresses: Vec<_> = sockets
            .iter()
            .map(|one| one.local_addr().expect("an address"))
            .collect();
        let (served, heard) = channel();
        let given = move || sockets.iter().map(TcpListener::try_clone).collect();
        offer(&dir, given, move || served.send(()).expect("heard")).expect("offered");
        // One that breaks off changes nothing.
        drop(Predecessor::ask(&dir).expect("asked"));
        let mut old = Predecessor::ask(&dir)
            .expect("asked")
            .expect("there is one");
        let taken = old.take_listeners();
        let found: Vec<_> = taken
            .iter()
            .map(|one| one.local_addr().expect("an address"))
            .collect();
        assert_eq!(found, addresses);
        let mut client = TcpStream::connect(addresses[99]).expect("connected");
        let (mut accepted, _) = taken[99].accept().expect("accepted");
        accepted.write_all(b"x").expect("written");
        let mut word = [0];
        client.read_exact(&mut word).expect("read");
        assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
        old.dismiss().expect("dismissed");
        heard.recv_timeout(Duration::from_secs(10)).expect("told");
        fs::remove_dir_all(&dir).expect("removed");
    }
}
