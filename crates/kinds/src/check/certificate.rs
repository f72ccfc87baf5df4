//! What is said of secrets with certificates: whether their texts have what a server reads from them.

use crate::view::text;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Warns of a pair that no server could use. Whether key and certificate belong together isn't looked at.
pub(crate) fn warn(new: &Value, _: Option<&Value>, warnings: &mut Vec<String>) {
    if text(new, "type") != "kubernetes.io/tls" {
        return;
    }
    let data = |name: &str| {
        STANDARD
            .decode(text(&new["data"], name))
            .unwrap_or_default()
    };
    let (certificate, key) = (data("tls.crt"), data("tls.key"));
    warnings.extend(no_certificate(&blocks(&certificate)).or_else(|| no_key(&blocks(&key))));
}

fn no_certificate(types: &[String]) -> Option<String> {
    let input = "certificate input";
    match types {
        _ if types.iter().any(|found| found == "CERTIFICATE") => None,
        [] => Some(format!("tls: failed to find any PEM data in {input}")),
        [one] if one.ends_with("PRIVATE KEY") => Some(format!(
            "tls: failed to find certificate PEM data in {input}, but did find a private key; PEM inputs may have been \
             switched"
        )),
        skipped => Some(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in {input} after skipping PEM blocks of the following types: [{}]",
            skipped.join(" ")
        )),
    }
}

fn no_key(types: &[String]) -> Option<String> {
    let is_key = |found: &String| found == "PRIVATE KEY" || found.ends_with(" PRIVATE KEY");
    match types {
        _ if types.iter().any(is_key) => None,
        [] => Some("tls: failed to find any PEM data in key input".to_owned()),
        [one] if one == "CERTIFICATE" => Some(
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned(),
        ),
        skipped => Some(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the \
             following types: [{}]",
            skipped.join(" ")
        )),
    }
}

/// The types of a text's PEM blocks.
fn blocks(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut types = Vec::new();
    let mut rest: &str = &text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((name, body)) = after.split_once("-----") else {
            break;
        };
        rest = match body.split_once(&format!("-----END {name}-----")) {
            Some((_, after)) => {
                types.push(name.to_owned());
                after
            }
            None => body,
        };
    }
    types
}

#[cfg(test)]
mod tests {
    use super::warn;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    fn check(certificate: &str, key: &str, expect: &[&str]) {
        let data =
            json!({ "tls.crt": STANDARD.encode(certificate), "tls.key": STANDARD.encode(key) });
        let mut warnings = Vec::new();
        warn(
            &json!({ "type": "kubernetes.io/tls", "data": data }),
            None,
            &mut warnings,
        );
        assert_eq!(warnings, expect);
    }

    #[test]
    fn pairs_without_blocks_are_told() {
        let certificate = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN EC PRIVATE KEY-----\nYQ==\n-----END EC PRIVATE KEY-----\n";
        check(certificate, key, &[]);
        check(
            "x",
            key,
            &["tls: failed to find any PEM data in certificate input"],
        );
        check(
            certificate,
            "",
            &["tls: failed to find any PEM data in key input"],
        );
        let switched = "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM \
                        inputs may have been switched";
        check(key, certificate, &[switched]);
        let rather = "tls: found a certificate rather than a key in the PEM for the private key";
        check(certificate, certificate, &[rather]);
    }
}
