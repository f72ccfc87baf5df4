//! What `http::Uri` does not say of a URL: that its port is none.

use http::Uri;

/// The port that is written, if any.
///
/// # Errors
/// What is written is no port. `Uri` takes it for none, so that the scheme's would be used instead.
pub(crate) fn port(uri: &Uri) -> Result<Option<u16>, String> {
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let (_, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let written = place.strip_prefix(uri.host().unwrap_or_default());
    match written.and_then(|rest| rest.strip_prefix(':')) {
        None | Some("") => Ok(None),
        Some(port) => match port.parse() {
            Ok(port @ 1..) => Ok(Some(port)),
            _ => Err(format!("{uri} has a port that is not between 1 and 65535")),
        },
    }
}
