//! The wiring: informers to compiler to proxy, and status back.
