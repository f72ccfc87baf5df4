//! What this library promises, and what it does not. Each promise has a test of the same name, in `tests/store` or
//! beside the code. That what was acknowledged outlives the process is also tried by killing one, in `tests/crash`.
//!
//! # Durability
//!
//! - **`nobody_sees_what_is_not_durable`**: a write returns when the disk has it and readers see it. Snapshots, feeds,
//!   backups, and refusals that rest on another write give nothing that could still be lost. Only
//!   [`Store::head`](crate::Store::head) does, and says so.
//! - **`power_that_is_lost_loses_nothing_acknowledged`**: a store that is opened after its process or its machine ended
//!   has all that was acknowledged. What was not is there whole or not at all, and only after all before it.
//! - **`a_flipped_bit_refuses_at_every_byte`**: damage to what was acknowledged refuses to open, and names the file and
//!   the place. The one exception is damage to the very end, which can't be told from a write that never ended.
//! - **`a_full_disk_refuses_and_is_recovered_from`**: writes that find no room, or no file to open, have not happened,
//!   and the store goes on by itself when there is. Their revisions are left out, so revisions may have gaps.
//! - **`a_broken_disk_ends_writing_and_not_reading`**: after any other error of the disk no more is written until the
//!   store is opened again. Reads go on.
//! - **`a_directory_that_was_removed_takes_no_writes`**: files without a name would be gone with the process.
//! - **`one_store_has_a_directory`**: a second one is refused, of whatever process, until the first is closed or gone.
//!
//! # Writes and reads
//!
//! - **`every_write_has_the_next_revision`**: one order for all collections, and no revision is given twice.
//! - **`preconditions_hold_or_nothing_happens`**: a write that expects a revision which is not the newest never wins.
//! - **`the_past_can_be_read_until_it_is_compacted`**: the state of each revision that the history has.
//! - **`a_slow_disk_makes_writers_wait_and_then_refuses_them`**: what waits for the disk has a limit.
//!
//! # Feeds
//!
//! - **`every_watcher_sees_every_event_in_order`**: all events of its collection after where it began, each once, none
//!   before snapshots have it; or
//! - **`a_feed_that_is_behind_is_told_what_it_missed`**: that it fell out of the history. A feed that is slow costs no
//!   memory, and holds up nobody.
//! - **`a_restored_store_has_the_entries_and_later_revisions`**: whoever followed the store of the backup is told to
//!   begin anew.
//!
//! # What is not promised
//!
//! - Writes are not a transaction: each stands for itself.
//! - History goes with some later write, not by a timer, and what a snapshot of the past holds in memory is the
//!   holder's.
//! - Without [`Options::fsync`](crate::Options::fsync) a write outlives the process, not the machine.
//! - Dropping the last copy of a store waits for the disk.
