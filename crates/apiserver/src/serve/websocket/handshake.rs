//! The handshake, RFC 6455 section 4.2, with the answers of golang.org/x/net/websocket.

use super::Protocols;
use crate::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

/// Section 1.3: what is put behind a key before it is hashed.
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a client wants to go on with a WebSocket.
pub(in crate::serve) fn is_wanted(headers: &HeaderMap) -> bool {
    let upgrade = text(headers, &header::UPGRADE);
    let mut connection = headers.get_all(header::CONNECTION).iter();
    upgrade.eq_ignore_ascii_case("websocket")
        && connection.any(|value| {
            let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
            value.contains("upgrade")
        })
}

/// Refuses a handshake that is not in order. An origin must be told, any will do: who may watch is known by their token.
pub(super) fn check(
    method: &Method,
    headers: &HeaderMap,
    protocols: &Protocols,
) -> Result<(), Box<Response<Body>>> {
    if *method != Method::GET {
        return refused(405, "bad method");
    }
    if text(headers, &header::SEC_WEBSOCKET_KEY).is_empty() {
        return refused(400, "mismatch challenge/response");
    }
    if text(headers, &header::SEC_WEBSOCKET_VERSION) != "13" {
        let mut refusal = refusal(400, "missing or bad WebSocket Version");
        let version = HeaderValue::from_static("13");
        let headers = refusal.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_VERSION, version);
        return Err(Box::new(refusal));
    }
    if !is_origin(text(headers, &header::ORIGIN)) {
        return refused(403, "");
    }
    match protocols.names() {
        [] | [_] => Ok(()),
        _ => refused(400, ""),
    }
}

/// The answer after which the connection is a WebSocket.
pub(super) fn acceptance(headers: &HeaderMap, protocols: &Protocols) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let proof = proof_of(text(headers, &header::SEC_WEBSOCKET_KEY));
    let fields = [
        (header::UPGRADE, Some("websocket")),
        (header::CONNECTION, Some("Upgrade")),
        (header::SEC_WEBSOCKET_ACCEPT, Some(proof.as_str())),
        (
            header::SEC_WEBSOCKET_PROTOCOL,
            protocols.names().first().map(String::as_str),
        ),
    ];
    for (name, value) in fields {
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Says no, and that nothing more is read from this connection.
pub(super) fn refusal(code: u16, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(why.as_bytes().to_vec()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

fn refused(code: u16, why: &str) -> Result<(), Box<Response<Body>>> {
    Err(Box::new(refusal(code, why)))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}

fn proof_of(key: &str) -> String {
    let text = format!("{key}{PROOF}");
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        text.as_bytes(),
    );
    STANDARD.encode(digest)
}

/// Whether a text is what Go takes for the URI of a request: one with a scheme, or a path.
fn is_origin(text: &str) -> bool {
    if text.starts_with('/') {
        return true;
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::{check, is_origin, is_wanted, proof_of};
    use crate::serve::websocket::Protocols;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    fn headers(fields: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields.split("; ").filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once(": ").expect("a field");
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn the_key_of_the_standard_has_its_proof() {
        let proof = proof_of("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(proof, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_websocket_is_wanted_by_two_fields() {
        for (fields, expected) in [
            ("upgrade: websocket; connection: Upgrade", true),
            ("upgrade: WebSocket; connection: keep-alive, upgrade", true),
            (
                "upgrade: websocket; connection: close; connection: Upgrade",
                true,
            ),
            ("upgrade: websocket", false),
            ("upgrade: h2c; connection: upgrade", false),
            ("connection: upgrade", false),
        ] {
            assert_eq!(is_wanted(&headers(fields)), expected, "{fields}");
        }
    }

    /// The codes are those of the real server.
    #[test]
    fn handshakes_are_refused_for_what_is_missing() {
        let good = "sec-websocket-key: abc; sec-websocket-version: 13; origin: https://a.example";
        for (method, fields, expected) in [
            (Method::GET, good.to_owned(), None),
            (Method::POST, good.to_owned(), Some(405)),
            (Method::GET, good.replace("13", "8"), Some(400)),
            (Method::GET, good.replace("key: abc", "x: y"), Some(400)),
            (Method::GET, good.replace("origin", "x"), Some(403)),
            (
                Method::GET,
                good.replace("https://a.example", "null"),
                Some(403),
            ),
            (
                Method::GET,
                format!("{good}; sec-websocket-protocol: a"),
                None,
            ),
            (
                Method::GET,
                format!("{good}; sec-websocket-protocol: a, b"),
                Some(400),
            ),
        ] {
            let headers = headers(&fields);
            let protocols = Protocols::read(&headers);
            let refused = check(&method, &headers, &protocols).err();
            let code = refused.map(|refusal| refusal.status().as_u16());
            assert_eq!(code, expected, "{method} {fields}");
        }
    }

    #[test]
    fn origins_are_what_go_takes_for_one() {
        for (text, expected) in [
            ("https://a.example:8443", true),
            ("vscode-webview://1234", true),
            ("file://", true),
            ("/a", true),
            ("", false),
            ("null", false),
            ("::bad::", false),
            ("1a://x", false),
        ] {
            assert_eq!(is_origin(text), expected, "{text}");
        }
    }
}
