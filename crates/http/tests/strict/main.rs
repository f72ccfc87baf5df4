//! Tables of accepted and refused messages, and properties over generated ones. The tables' files say what they mean.

mod bodies;
mod escape;
mod forwarding;
mod fuzz;
mod heads;
mod heads_h2;
mod paths;
mod proxy_headers;
mod writing;
