//! What a certificate says: whom it names, how long it holds, which key it is for. Checks no signature.

use super::time::unix_seconds;
use crate::user::{CREDENTIAL_ID, User};
use aws_lc_rs::digest::{SHA256, digest};
use std::{collections::BTreeMap, fmt::Write};
use yasna::{
    ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag,
    tags::{TAG_BMPSTRING, TAG_IA5STRING, TAG_PRINTABLESTRING, TAG_TELETEXSTRING, TAG_UTF8STRING},
};

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const ORGANIZATION: &[u64] = &[2, 5, 4, 10];
/// Kubernetes' own attribute for a user's uid.
const UID: &[u64] = &[1, 3, 6, 1, 4, 1, 57683, 2];

/// The parts of a certificate that concern access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) common_name: String,
    pub(crate) organizations: Vec<String>,
    uids: Vec<String>,
    /// Unix seconds.
    pub(crate) not_before: i64,
    /// Unix seconds.
    pub(crate) not_after: i64,
    /// The DER of the public key with its algorithm.
    pub(crate) public_key: Vec<u8>,
}

/// The bytes are no certificate, or one that names nobody who could be a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not X.509 in DER.
    #[error("the certificate can't be read")]
    Malformed,
    /// Kubernetes' attribute for the uid is there twice, or empty.
    #[error("the certificate's uid is not one text")]
    Uid,
    /// Not of this authority, not for clients, or not valid at this time.
    #[error(
        "the certificate is not one of this server's authority, not for clients, or not valid now"
    )]
    Untrusted,
}

impl Certificate {
    pub(crate) fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        yasna::parse_der(der, |reader| {
            reader.read_sequence(|reader| {
                let certificate = reader.next().read_sequence(read_body)?;
                skip(reader)?;
                skip(reader)?;
                Ok(certificate)
            })
        })
        .map_err(|_| CertificateError::Malformed)
    }

    /// The user that the certificate names, as kube-apiserver takes it: `CN` is the name, each `O` a group. `None`: it
    /// names nobody. Whether to believe it is for the caller to know.
    pub(crate) fn user(&self, der: &[u8]) -> Result<Option<User>, CertificateError> {
        if self.common_name.is_empty() {
            return Ok(None);
        }
        let uid = match self.uids.as_slice() {
            [] => String::new(),
            [uid] if !uid.is_empty() => uid.clone(),
            _ => return Err(CertificateError::Uid),
        };
        let mut fingerprint = "X509SHA256=".to_owned();
        for byte in digest(&SHA256, der).as_ref() {
            let _ = write!(fingerprint, "{byte:02x}");
        }
        let mut user = User {
            name: self.common_name.clone(),
            uid,
            groups: self.organizations.clone(),
            extra: BTreeMap::from([(CREDENTIAL_ID.to_owned(), vec![fingerprint])]),
        };
        user.add_authenticated();
        Ok(Some(user))
    }
}

/// The user that a client's certificate names. Does not check the certificate: the authenticator does.
pub fn user_of_certificate(der: &[u8]) -> Result<Option<User>, CertificateError> {
    Certificate::parse(der)?.user(der)
}

fn read_body(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Certificate> {
    // Version, serial number, signature algorithm, issuer.
    reader
        .read_optional(|reader| reader.read_tagged(Tag::context(0), |reader| reader.read_u8()))?;
    skip(reader)?;
    skip(reader)?;
    skip(reader)?;
    let (not_before, not_after) = reader
        .next()
        .read_sequence(|reader| Ok((read_time(reader.next())?, read_time(reader.next())?)))?;
    let mut certificate = Certificate {
        common_name: String::new(),
        organizations: Vec::new(),
        uids: Vec::new(),
        not_before,
        not_after,
        public_key: Vec::new(),
    };
    reader.next().read_sequence_of(|reader| {
        reader.read_set_of(|reader| {
            reader.read_sequence(|reader| {
                let kind = reader.next().read_oid()?;
                let value = reader.next().read_tagged_der()?;
                let text = || text_of(value.tag(), value.value());
                match kind.components().as_slice() {
                    COMMON_NAME => certificate.common_name = text()?,
                    ORGANIZATION => certificate.organizations.push(text()?),
                    UID => certificate.uids.push(text()?),
                    _ => {}
                }
                Ok(())
            })
        })
    })?;
    certificate.public_key = reader.next().read_der()?;
    // Unique identifiers and extensions.
    while reader.read_optional(|reader| reader.read_der())?.is_some() {}
    Ok(certificate)
}

fn skip(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    reader.next().read_der().map(drop)
}

fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<i64> {
    let time = reader.read_tagged_der()?;
    unix_seconds(time.tag(), time.value()).ok_or_else(invalid)
}

/// The text kinds that names are made of.
fn text_of(tag: Tag, bytes: &[u8]) -> ASN1Result<String> {
    match tag {
        TAG_UTF8STRING | TAG_PRINTABLESTRING | TAG_IA5STRING => {
            String::from_utf8(bytes.to_vec()).map_err(|_| invalid())
        }
        TAG_TELETEXSTRING => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
        TAG_BMPSTRING => {
            let units = bytes.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xd800,
            });
            char::decode_utf16(units)
                .collect::<Result<_, _>>()
                .map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

fn invalid() -> ASN1Error {
    ASN1Error::new(ASN1ErrorKind::Invalid)
}
