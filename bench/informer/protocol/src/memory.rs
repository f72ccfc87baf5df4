//! The C allocator's two switches that matter for resident memory. The only `unsafe` code of the benchmark.

/// Makes all threads share one arena, so that memory freed by one is reused by the others. Call before any thread starts.
#[expect(unsafe_code, reason = "the C allocator has no safe interface")]
pub fn use_one_arena() {
    // SAFETY: `mallopt` takes two integers and may be called at any time.
    let accepted = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    debug_assert_eq!(accepted, 1, "glibc accepts every positive number of arenas");
}

/// Returns free memory to the kernel: what Go's `debug.FreeOSMemory` is to the other contestants.
#[expect(unsafe_code, reason = "the C allocator has no safe interface")]
pub(crate) fn give_back() {
    // SAFETY: `malloc_trim` locks the allocator itself and touches only free memory.
    unsafe { libc::malloc_trim(0) };
}
