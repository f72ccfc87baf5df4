//! The informers of others against the embedded server: kube-rs's in this process, client-go's and a manager of
//! controller-runtime as programs in Go.
//!
//! They are the users of the protocol that matter most, and each leans on other corners of it.

mod client_go;
mod controller_runtime;
mod go;
mod kube_rs;
