//! What this library promises, and what it does not. Each promise has a test of the same name, in `tests/contract.rs`
//! or beside the code; those marked (sim) are also checked in every simulated history.
//!
//! # The cache
//!
//! - **`one_watch_for_equal_targets`**: informers of one factory for the same resource, namespace, selectors, kind of
//!   view (whole or metadata only) and transform share one watch and one cache. It starts with the first user and stops
//!   when the last handle, registration and stream is dropped; then it can be started anew.
//! - **`snapshots_never_change`**: a [`Snapshot`](crate::Snapshot) is the state of one moment. Reading takes no lock.
//!   Objects are immutable. The server's last word is in it before any handler hears of it.
//! - **`snapshots_are_whole`** (sim): before the first full picture a snapshot is empty. A full picture replaces the
//!   state at once; no snapshot shows half of one.
//! - **`cache_ends_equal_to_the_server`** (sim): when the server stops changing and answers, the cache comes to hold what
//!   a fresh list would say, whatever happened before: lost connections, expired history, missed deletions,
//!   re-creations, a server restored to an older state, resources that went and came back.
//! - **`resumes_without_a_relist`** (sim): after a break the watch goes on from the last version, as long as the server
//!   still has the history.
//! - **`one_failing_resource_harms_no_other`**: a resource that is forbidden, missing or undecodable keeps trying on its
//!   own, with one log line for each change of its state, and leaves all others alone.
//! - **`absent_resources_are_waited_for`**: a resource that is not served yet is waited for; one that is removed is seen
//!   as deleted objects, goes quiet, and comes back by itself. Two answers must say that it is gone, in the API server's
//!   own words.
//! - **`reached_reads_your_own_writes`**: after [`Informer::reached`](crate::Informer::reached) with the version of a
//!   write, snapshots contain that write or what came after it.
//! - **`indexes_can_come_late`**: an index covers the objects that are there already, and is part of the same snapshot
//!   as the objects. An index function or transform that panics loses that object's entry or transform, and no more.
//! - **`managed_fields_are_dropped`**: objects have no `metadata.managedFields`, and always `apiVersion` and `kind`.
//!
//! # Handlers and streams
//!
//! - **`a_handler_is_called_one_at_a_time`**: calls of one handler never overlap. They come from a thread of its own.
//! - **`events_of_a_key_are_in_order`** (sim): for each key a handler sees added, then updates, then deleted, and so on
//!   again. `old` of an update is what the handler was last told. Versions of one object never go backwards, but where
//!   the server itself did.
//! - **`late_handlers_are_told_everything`** (sim): a handler that is added late first sees every object as added with
//!   `initial: true`, then every change since.
//! - **`synced_comes_after_the_first_picture`** (sim): a handler's `Synced` comes once, after all that was there at its
//!   first full picture. [`Registration::has_synced`](crate::Registration::has_synced) is true only when the handler has
//!   **processed** all of it.
//! - **`a_stuck_handler_stalls_nobody`**: the watch, the cache and other handlers go on at full speed.
//! - **`a_queue_holds_one_change_for_each_key`** (sim): changes that a handler has not been told yet are merged. An
//!   object that came and went in the meantime is not mentioned. Memory is bounded by the objects the handler knows and
//!   those the cache holds.
//! - **`recreated_objects_are_deleted_then_added`** (sim): another uid is another object, even if the deletion in between
//!   was missed.
//! - **`missed_deletions_are_marked`** (sim): a deletion found by a full picture carries the last known state and
//!   `final_state_unknown: true`. One that the watch reports carries the server's last state of the object.
//! - **`a_panicking_handler_is_contained`**: the call is lost, counted and logged; the handler is called for the next.
//! - **`removal_waits_for_the_running_call`**: after [`Registration::remove`](crate::Registration::remove) was awaited no
//!   call is running and none will come. Removal drops what was waiting.
//! - **`resync_shows_everything_again`**: with a resync period the handler sees each object as updated to itself, never
//!   out of order with true changes; a handler that is behind is not given more to do.
//!
//! # What is not promised
//!
//! - No order **between** keys, other than that a change takes its key's place in line when the key had none.
//! - Not every version of an object is seen: a server merges at a relist, and so does a slow handler's queue. There is no
//!   history.
//! - Snapshots of different informers are not of one moment.
//! - The cache is behind the server, by as much as the network and the server's watch cache are. Nothing tells by how
//!   much; `silence_seconds` in [`Metrics`](crate::Metrics) tells when the server was last heard.
//! - A uid is compared, a name is not an identity. Versions are compared only where both are decimal numbers (KEP-5504).
//! - Only metadata and balance of brackets are checked when an object comes in. JSON that is broken elsewhere is found
//!   when it is read ([`ObjectError::Decode`](crate::ObjectError::Decode)).
//! - `settled` and `synced` are about one informer: no call waits for all, since one forbidden resource would hold up
//!   everything.
//! - Half-open connections are noticed within 10 s on HTTP/2. On HTTP/1.1 the operating system notices a dead peer as
//!   soon, but a proxy in between that keeps the connection and forwards nothing is found only at the watch's own time
//!   limit, which is below ten minutes.
