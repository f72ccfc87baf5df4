//! The authority: what it issues against the TLS library, what it keeps on disk against everything that could be there.

use super::{Authority, FileError, Identity, PkiError, certificate::Certificate};
use crate::user::User;
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConnection,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use secrecy::ExposeSecret;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

const NOW: i64 = 1_795_613_798;
const YEAR: i64 = 365 * 24 * 60 * 60;

/// A directory that is removed at the end of a test.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-access-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn der(identity: &Identity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(identity.cert_pem.as_bytes()).expect("a certificate")
}

/// What both ends know after a handshake in memory: the protocol, and the certificate that the server saw.
fn handshake(
    authority: &Authority,
    name: &str,
    identity: Option<&Identity>,
) -> Result<(Vec<u8>, Option<Vec<u8>>), rustls::Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    let server = authority.server_config(&["10.0.0.1", "tide.example.com"], now.cast_signed());
    let server = ServerConnection::new(server.expect("a configuration"))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).expect("PEM"))?;
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut client = match identity {
        Some(identity) => {
            let key = identity.key_pem.expose_secret().as_bytes();
            let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
            client.with_client_auth_cert(vec![der(identity)], key)?
        }
        None => client.with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut ends = [
        Connection::from(ClientConnection::new(client.into(), name)?),
        Connection::from(server),
    ];
    while ends.iter().any(|end| end.is_handshaking()) {
        for from in 0..2 {
            let mut bytes = Vec::new();
            while ends[from].wants_write() {
                ends[from].write_tls(&mut bytes).expect("memory");
            }
            let mut bytes = bytes.as_slice();
            while !bytes.is_empty() {
                ends[1 - from].read_tls(&mut bytes).expect("memory");
                ends[1 - from].process_new_packets()?;
            }
        }
    }
    let protocol = ends[0].alpn_protocol().unwrap_or_default().to_vec();
    let peer = ends[1]
        .peer_certificates()
        .and_then(|certificates| certificates.first());
    Ok((protocol, peer.map(|certificate| certificate.to_vec())))
}

#[test]
fn clients_trust_the_server_under_its_names() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let check = |name: &str, expect: bool| {
        let result = handshake(&authority, name, None);
        assert_eq!(result.is_ok(), expect, "{name}: {result:?}");
    };
    check("localhost", true);
    check("127.0.0.1", true);
    check("::1", true);
    check("kubernetes.default.svc", true);
    check("10.0.0.1", true);
    check("tide.example.com", true);
    check("10.0.0.2", false);
    check("example.com", false);
    let refused = authority.server_config(&["no name"], NOW);
    assert!(matches!(refused, Err(PkiError::Name(name)) if name == "no name"));
}

#[test]
fn the_server_sees_the_clients_certificate_but_leaves_the_answer_to_the_request() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let other = Authority::in_memory(NOW).expect("an authority");
    let trust = authority.client_trust();
    let own = authority
        .client("alice", &["a", "b", "c"], NOW)
        .expect("an identity");
    let foreign = other
        .client("mallory", &["system:masters"], NOW)
        .expect("an identity");
    let check = |identity: Option<&Identity>, expect: Option<&str>| {
        let (protocol, seen) = handshake(&authority, "localhost", identity).expect("a handshake");
        assert_eq!(protocol, b"h2");
        assert_eq!(seen, identity.map(|identity| der(identity).to_vec()));
        let user = seen.map(|seen| trust.user(&seen, NOW));
        let name = user.and_then(Result::ok).flatten().map(|user| user.name);
        assert_eq!(name.as_deref(), expect);
    };
    check(None, None);
    check(Some(&own), Some("alice"));
    check(Some(&own), Some("alice"));
    check(Some(&foreign), None);
}

#[test]
fn certificates_are_believed_while_they_are_valid_and_for_clients() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let trust = authority.client_trust();
    let alice = der(&authority
        .client("alice", &["a", "b", "a"], NOW)
        .expect("an identity"));
    let nobody = der(&authority.client("", &["a"], NOW).expect("an identity"));
    let serving = authority
        .server_config(&[], NOW)
        .map(|_| authority.serving.get());
    let serving = serving
        .expect("a configuration")
        .expect("a certificate")
        .key
        .cert[0]
        .clone();
    let ca = CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).expect("PEM");
    let check = |der: &[u8], now: i64, expect: Result<Option<&str>, ()>| {
        // Twice: the second answer is the remembered one.
        for _ in 0..2 {
            let user = trust.user(der, now).map(|user| user.map(|user| user.name));
            assert_eq!(user.as_ref().map(Option::as_deref).map_err(|_| ()), expect);
        }
    };
    check(&alice, NOW + YEAR + 1, Err(()));
    check(&alice, NOW, Ok(Some("alice")));
    check(&alice, NOW - 300, Ok(Some("alice")));
    check(&alice, NOW - 301, Err(()));
    check(&alice, NOW + YEAR, Ok(Some("alice")));
    check(&alice, NOW + YEAR + 1, Err(()));
    check(&nobody, NOW, Ok(None));
    check(&serving, NOW, Err(()));
    check(&ca, NOW, Err(()));
    check(&alice[..alice.len() - 1], NOW, Err(()));
    check(b"", NOW, Err(()));
    let user = trust.user(&alice, NOW).expect("believed").expect("a user");
    assert_eq!(user.groups, ["a", "b", "a", "system:authenticated"]);
    let credential = &user.extra["authentication.kubernetes.io/credential-id"][0];
    assert_eq!(credential.len(), "X509SHA256=".len() + 64);
}

#[test]
fn no_bytes_make_the_reader_of_certificates_panic() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let alice = der(&authority.client("alice", &["a"], NOW).expect("an identity")).to_vec();
    assert_eq!(
        Certificate::parse(&alice).map(|read| read.common_name),
        Ok("alice".to_owned())
    );
    for place in 0..alice.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut bytes = alice.clone();
            bytes[place] ^= change;
            let _ = Certificate::parse(&bytes);
        }
        assert!(Certificate::parse(&alice[..place]).is_err());
    }
}

#[test]
fn the_servers_certificate_is_renewed_before_it_ends() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    assert!(!authority.renew(NOW + YEAR).expect("nothing to do"));
    authority
        .server_config(&["tide.example.com"], NOW)
        .expect("a configuration");
    let check = |now: i64, expect: bool| {
        assert_eq!(
            authority.renew(now).expect("renewal"),
            expect,
            "{}",
            now - NOW
        );
    };
    check(NOW + YEAR / 2, false);
    check(NOW + YEAR - YEAR / 3, true);
    check(NOW + YEAR, false);
    let renewed = authority.serving.get().expect("a certificate");
    assert!(renewed.names.contains(&"tide.example.com".to_owned()));
    let read = Certificate::parse(&renewed.key.cert[0]).expect("a certificate");
    assert_eq!(read.not_after, NOW + YEAR - YEAR / 3 + YEAR);
    // The clock was wrong before, and is set back.
    check(NOW, true);
    check(NOW, false);
}

#[test]
fn an_authority_outlives_the_process() {
    let temporary = Temporary::new();
    let path = temporary.0.join("pki");
    let open = |now: i64| Authority::open_or_create(&path, now).expect("an authority");
    let first = open(NOW);
    let alice = der(&first.client("alice", &[], NOW).expect("an identity"));
    for name in ["ca.key", "ca.crt"] {
        let mode = fs::metadata(path.join(name))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
    assert_eq!(
        fs::metadata(&path)
            .expect("a directory")
            .permissions()
            .mode()
            & 0o7777,
        0o700
    );
    let second = open(NOW + 8 * YEAR);
    assert_eq!(second.ca_pem(), first.ca_pem());
    let user = second.client_trust().user(&alice, NOW).expect("believed");
    assert_eq!(user.map(|user| user.name), Some("alice".to_owned()));
    assert_ne!(open(NOW + 9 * YEAR).ca_pem(), first.ca_pem());
    // A crash between the two files: the key stays, the certificate is made for it.
    fs::remove_file(path.join("ca.crt")).expect("a file");
    let third = open(NOW);
    assert!(third.client_trust().user(&alice, NOW).is_ok());
}

/// Damages what is on disk, and looks at what is said about it.
fn check_damaged(damage: impl FnOnce(&PathBuf), expect: &str) {
    let temporary = Temporary::new();
    let path = temporary.0.join("pki");
    Authority::open_or_create(&path, NOW).expect("an authority");
    damage(&path);
    let error = Authority::open_or_create(&path, NOW)
        .expect_err(expect)
        .to_string();
    let told = error.replace(&format!("{}/", temporary.0.display()), "");
    assert_eq!(told, expect);
}

#[test]
fn what_others_could_have_touched_is_refused() {
    let mode = |path: PathBuf, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let replace = |path: PathBuf, content: &[u8]| fs::write(path, content).expect("a file");
    check_damaged(
        |path| mode(path.clone(), 0o755),
        "pki: its mode is 0755, but it has to be 0700: others could have used it",
    );
    check_damaged(
        |path| mode(path.join("ca.key"), 0o640),
        "pki/ca.key: its mode is 0640, but it has to be 0600: others could have used it",
    );
    check_damaged(
        |path| mode(path.join("ca.crt"), 0o602),
        "pki/ca.crt: its mode is 0602, but it has to be 0600: others could have used it",
    );
    check_damaged(
        |path| replace(path.join("ca.key"), b""),
        "pki/ca.key: not an ECDSA P-256 key in PEM",
    );
    check_damaged(
        |path| replace(path.join("ca.key"), &[0xff; 9]),
        "pki/ca.key: not a text file",
    );
    check_damaged(
        |path| replace(path.join("ca.key"), &[b'a'; 70_000]),
        "pki/ca.key: too long for a key",
    );
    check_damaged(
        |path| replace(path.join("ca.crt"), b"x"),
        "pki/ca.crt: not a certificate in PEM",
    );
    check_damaged(
        |path| fs::remove_file(path.join("ca.key")).expect("a file"),
        "pki/ca.crt: the key beside it, ca.key, is gone",
    );
    check_damaged(
        |path| {
            let other = Authority::in_memory(NOW).expect("an authority");
            replace(path.join("ca.crt"), other.ca_pem().as_bytes());
        },
        "pki/ca.crt: not the certificate of the key beside it",
    );
    check_damaged(
        |path| {
            fs::rename(path.join("ca.key"), path.join("elsewhere")).expect("a file");
            symlink("elsewhere", path.join("ca.key")).expect("a link");
        },
        "pki/ca.key: not a regular file",
    );
    check_damaged(
        |path| {
            fs::remove_dir_all(path).expect("a directory");
            replace(path.clone(), b"");
        },
        "pki: not a directory",
    );
}

#[test]
fn a_directory_without_a_parent_is_an_error_that_names_it() {
    let temporary = Temporary::new();
    let path = temporary.0.join("none/pki");
    let error = Authority::open_or_create(&path, NOW).expect_err("no parent");
    assert!(matches!(error, PkiError::File(FileError::Io { path: told, .. }) if told == path));
}

#[test]
fn secrets_are_not_printed() {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let identity = authority.client("alice", &[], NOW).expect("an identity");
    let kubeconfig = authority.kubeconfig("https://127.0.0.1:6443", "alice", &identity);
    let text = kubeconfig.expose_secret();
    assert!(
        text.contains("\n    server: \"https://127.0.0.1:6443\"\n"),
        "{text}"
    );
    assert!(
        text.contains("\ncurrent-context: \"alice@tidegate\"\n"),
        "{text}"
    );
    let key = identity.key_pem.expose_secret();
    let inner = key.lines().nth(1).expect("a line");
    for printed in [
        format!("{authority:?}"),
        format!("{identity:?}"),
        format!("{kubeconfig:?}"),
    ] {
        assert!(
            !printed.contains(inner) && !printed.contains("PRIVATE"),
            "{printed}"
        );
    }
    assert_eq!(
        User::admin().groups,
        ["system:masters", "system:authenticated"]
    );
}
