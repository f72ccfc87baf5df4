//! Gateway API objects in, routing snapshot and status out. Pure and incremental.
