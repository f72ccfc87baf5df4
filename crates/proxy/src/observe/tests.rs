//! Lines, figures and spans, as texts.
