//! The proxy over real sockets: scripted origins, hand-made snapshots, clients that send bytes.

mod forward;
mod life;
mod rules;
mod support;
mod tls;
