//! Tests of `tidegate up`, `backup` and `restore` from outside: the built command, its files, its signals, its API.
//!
//! They need nothing but loopback and a temporary folder.

mod api;
mod backup;
mod durable;
mod few_files;
mod folder;
mod gateway;
mod health;
mod manifests;
mod objects;
mod observe;
mod origin;
mod process;
mod starting;
mod tokens;
mod watching;
