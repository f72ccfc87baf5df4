//! Custom resource definitions: what a server makes of them.
