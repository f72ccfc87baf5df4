//! Which endpoint gets a request. Pure: time and randomness are arguments.
