//! What every contestant of the informer benchmark says on stdout, counts and answers.
//!
//! `BASE` before it connects, `SYNCED` when its handler has every object, `GC` after SIGUSR1 (memory given back),
//! `LAG` after SIGUSR2 (lags since the last `LAG`). The Go contestants say the same.

mod histogram;
mod memory;
mod session;

pub use self::{
    histogram::Histogram,
    memory::use_one_arena,
    session::{Session, TIMESTAMP},
};
