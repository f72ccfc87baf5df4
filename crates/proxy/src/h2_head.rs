//! Heads for HTTP/2, from the same parts that HTTP/1's are written from.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use tidegate_http::{Fields, Framing, InvalidField, RequestLine, StatusLine, to_header_map};

/// A request's head. `secure`: it goes over TLS.
///
/// # Errors
/// The target can't be said in HTTP/2.
pub(crate) fn request(
    line: &RequestLine<'_>,
    fields: &Fields,
    secure: bool,
) -> Result<Request<()>, InvalidField> {
    let path = line.target.concat();
    let uri = Uri::builder()
        .scheme(if secure { "https" } else { "http" })
        .authority(line.authority)
        .path_and_query(path)
        .build()
        .map_err(|_| InvalidField)?;
    let mut request = Request::new(());
    *request.method_mut() =
        http::Method::from_bytes(line.method.as_bytes()).map_err(|_| InvalidField)?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    let map = request.headers_mut();
    to_header_map(fields, map)?;
    frame(line.framing, map);
    if !line.expect_continue {
        map.remove(header::EXPECT);
    }
    if line.te_trailers {
        map.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    Ok(request)
}

/// An answer's head.
///
/// # Errors
/// A field can't be said in HTTP/2: never, if it came from a parsed head.
pub(crate) fn response(
    line: &StatusLine<'_>,
    fields: &Fields,
) -> Result<Response<()>, InvalidField> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(line.status).map_err(|_| InvalidField)?;
    *response.version_mut() = Version::HTTP_2;
    let map = response.headers_mut();
    to_header_map(fields, map)?;
    if line.status < 200 || line.status == 204 {
        map.remove(header::CONTENT_LENGTH);
    } else if line.framing != Framing::None {
        frame(line.framing, map);
    }
    if line.status >= 200 && !map.contains_key(header::DATE) {
        let date = HeaderValue::from_bytes(line.date).map_err(|_| InvalidField)?;
        map.insert(header::DATE, date);
    }
    Ok(response)
}

fn frame(framing: Framing, map: &mut HeaderMap) {
    match framing {
        Framing::Length(length) => {
            map.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Framing::None | Framing::Chunked | Framing::UntilClose => {
            map.remove(header::CONTENT_LENGTH);
        }
    }
}
