//! The proxy over real sockets: scripted origins, hand-made snapshots, clients that send bytes.

mod alpn;
mod alpn_origin;
mod dns;
mod drain;
mod floods;
mod forward;
mod grpc;
mod h2;
mod h2_exchanges;
mod h2_support;
mod h2_tls;
mod h2_websocket;
mod health;
mod hedge;
mod life;
mod names;
mod near;
mod proxy_protocol;
mod rules;
mod support;
mod tls;
mod unreachable;
