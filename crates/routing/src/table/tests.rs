//! Lookups, as tables of routes and requests.
