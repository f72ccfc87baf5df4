//! Makes X.509 certificates (RFC 5280), signed by ECDSA P-256 keys. Only what this server needs, written by hand because
//! a user's certificate names each of the user's groups in an attribute of its own.

use super::time::der_time;
use crate::key::{KeyError, SecretKey, pem, random};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use yasna::{DERWriter, DERWriterSeq, Tag, models::ObjectIdentifier};

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const ORGANIZATION: &[u64] = &[2, 5, 4, 10];
const ECDSA_WITH_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];
const SUBJECT_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 14];
const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const AUTHORITY_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 35];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const SERVER_AUTH: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 2];

/// What a certificate is to say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) common_name: &'a str,
    pub(crate) organizations: &'a [&'a str],
    pub(crate) purpose: Purpose<'a>,
    /// Unix seconds.
    pub(crate) not_before: i64,
    /// Unix seconds.
    pub(crate) not_after: i64,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// Signs certificates that sign none.
    Authority,
    /// A server under these DNS names and IP addresses.
    Server(&'a [String]),
    Client,
}

/// A certificate, in both forms.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) pem: String,
}

/// Makes a certificate for the key. It is signed by the authority; an authority's own by itself.
pub(crate) fn certificate(
    wanted: &Wanted<'_>,
    key: &SecretKey,
    issuer_name: &str,
    issuer: &SecretKey,
) -> Result<Made, KeyError> {
    let body = body(wanted, key, issuer_name, issuer)?;
    let signature = issuer.sign(&body)?;
    let der = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_der(&body);
            write_algorithm(writer.next());
            writer
                .next()
                .write_bitvec_bytes(&signature, signature.len() * 8);
        });
    });
    let pem = pem("CERTIFICATE", &der);
    let der = CertificateDer::from(der);
    Ok(Made { der, pem })
}

fn body(
    wanted: &Wanted<'_>,
    key: &SecretKey,
    issuer_name: &str,
    issuer: &SecretKey,
) -> Result<Vec<u8>, KeyError> {
    let mut serial: [u8; 16] = random()?;
    // Positive, and of a fixed length.
    serial[0] = serial[0] & 0x7f | 0x40;
    let public_key = key.public_der()?;
    let not_before = der_time(wanted.not_before).ok_or(KeyError)?;
    let not_after = der_time(wanted.not_after).ok_or(KeyError)?;
    Ok(yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer
                .next()
                .write_tagged(Tag::context(0), |writer| writer.write_u8(2));
            writer.next().write_bigint_bytes(&serial, true);
            write_algorithm(writer.next());
            write_name(writer.next(), issuer_name, &[]);
            writer.next().write_sequence(|writer| {
                writer.next().write_tagged_der(&not_before);
                writer.next().write_tagged_der(&not_after);
            });
            write_name(writer.next(), wanted.common_name, wanted.organizations);
            writer.next().write_der(&public_key);
            writer.next().write_tagged(Tag::context(3), |writer| {
                writer.write_sequence(|writer| {
                    write_extensions(writer, wanted.purpose, key, issuer);
                });
            });
        });
    }))
}

fn write_algorithm(writer: DERWriter<'_>) {
    writer.write_sequence(|writer| writer.next().write_oid(&oid(ECDSA_WITH_SHA256)));
}

fn write_name(writer: DERWriter<'_>, common_name: &str, organizations: &[&str]) {
    writer.write_sequence(|writer| {
        let organizations = organizations.iter().map(|&text| (ORGANIZATION, text));
        for (kind, text) in organizations.chain([(COMMON_NAME, common_name)]) {
            writer.next().write_set(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(kind));
                    writer.next().write_utf8_string(text);
                });
            });
        }
    });
}

fn write_extensions(
    writer: &mut DERWriterSeq<'_>,
    purpose: Purpose<'_>,
    key: &SecretKey,
    issuer: &SecretKey,
) {
    let is_authority = matches!(purpose, Purpose::Authority);
    // Bits from the left: digital signature; certificates and revocation lists for an authority.
    let usage: (&[u8], usize) = if is_authority {
        (&[0x86], 7)
    } else {
        (&[0x80], 1)
    };
    write_extension(writer, KEY_USAGE, true, |writer| {
        writer.write_bitvec_bytes(usage.0, usage.1);
    });
    write_extension(writer, BASIC_CONSTRAINTS, true, |writer| {
        writer.write_sequence(|writer| {
            if is_authority {
                writer.next().write_bool(true);
                writer.next().write_u8(0);
            }
        });
    });
    write_extension(writer, SUBJECT_KEY_IDENTIFIER, false, |writer| {
        writer.write_bytes(&identifier(key));
    });
    write_extension(writer, AUTHORITY_KEY_IDENTIFIER, false, |writer| {
        writer.write_sequence(|writer| {
            let identifier = identifier(issuer);
            let writer = writer.next();
            writer.write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(&identifier));
        });
    });
    let extended = match purpose {
        Purpose::Authority => return,
        Purpose::Server(_) => SERVER_AUTH,
        Purpose::Client => CLIENT_AUTH,
    };
    write_extension(writer, EXTENDED_KEY_USAGE, false, |writer| {
        writer.write_sequence(|writer| writer.next().write_oid(&oid(extended)));
    });
    if let Purpose::Server(names) = purpose {
        write_extension(writer, SUBJECT_ALT_NAME, false, |writer| {
            writer.write_sequence(|writer| {
                for name in names {
                    write_alt_name(writer.next(), name);
                }
            });
        });
    }
}

fn write_alt_name(writer: DERWriter<'_>, name: &str) {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => writer.write_tagged_implicit(Tag::context(7), |writer| {
            writer.write_bytes(&address.octets());
        }),
        Ok(IpAddr::V6(address)) => writer.write_tagged_implicit(Tag::context(7), |writer| {
            writer.write_bytes(&address.octets());
        }),
        Err(_) => writer.write_tagged_implicit(Tag::context(2), |writer| {
            writer.write_ia5_string(name);
        }),
    }
}

fn write_extension(
    writer: &mut DERWriterSeq<'_>,
    kind: &[u64],
    critical: bool,
    content: impl FnOnce(DERWriter<'_>),
) {
    let content = yasna::construct_der(content);
    writer.next().write_sequence(|writer| {
        writer.next().write_oid(&oid(kind));
        if critical {
            writer.next().write_bool(true);
        }
        writer.next().write_bytes(&content);
    });
}

/// RFC 7093, method 1.
fn identifier(key: &SecretKey) -> Vec<u8> {
    digest(&SHA256, key.public_point()).as_ref()[..20].to_vec()
}

fn oid(components: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(components)
}
