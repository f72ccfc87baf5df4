//! Where the server is reached, and how it names itself.

/// The server's address and trust, as clients and tokens name them.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// `https://127.0.0.1:6443`.
    pub(crate) url: String,
    /// The certificate authority, PEM.
    pub(crate) ca_pem: String,
    /// Its address.
    pub(crate) address: std::net::SocketAddr,
}
