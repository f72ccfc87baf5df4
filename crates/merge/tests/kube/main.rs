//! The crate against Kubernetes' own libraries: recorded answers, generated questions and properties.
//!
//! `data/*.jsonl` holds questions with the answers that the libraries gave; the program in `../oracle` gave
//! them. `MERGE_RECORD=1 cargo test -p tidegate-merge --test kube -- --ignored recorded` asks again and writes.

mod answer;
mod generate;
mod oracle;
mod properties;
mod recorded;
mod schemas;
mod server;
