//! The proxy over real sockets: scripted origins, hand-made snapshots, clients that send bytes.

mod floods;
mod forward;
mod h2;
mod h2_exchanges;
mod h2_support;
mod h2_tls;
mod life;
mod rules;
mod support;
mod tls;
