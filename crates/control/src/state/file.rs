//! The form of a file of objects: a head with length and checksum, then compressed records. Does no IO.

use bytes::Bytes;
use std::io::{Read, Write};

/// One object as it was fed to the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) json: Bytes,
}

/// Why a file is not usable. Another generation may be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    /// It is not of this form, or of one that this program doesn't know.
    #[error("it is no file of this program's")]
    Foreign,
    /// It is shorter or longer than it says, or its checksum is another.
    #[error("its length or checksum is wrong")]
    Checksum,
    /// What the checksum covers can't be read: a defect in whatever wrote it.
    #[error("its contents can't be read: {0}")]
    Contents(String),
}

const MAGIC: &[u8; 8] = b"tideobj1";
const HEAD: usize = MAGIC.len() + 8 + 4 + 8;
/// More than any configuration takes; less than a damaged length could ask for.
const LARGEST: u64 = 2 << 30;
/// Fast: a file is written often and read seldom.
const LEVEL: i32 = 1;

/// Builds a file record by record.
pub(crate) struct Encoder {
    compressed: zstd::Encoder<'static, Vec<u8>>,
    raw_bytes: u64,
}

impl Encoder {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            compressed: zstd::Encoder::new(vec![0; HEAD], LEVEL)?,
            raw_bytes: 0,
        })
    }

    pub(crate) fn push(
        &mut self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        json: &[u8],
    ) -> std::io::Result<()> {
        for part in [
            kind.as_bytes(),
            namespace.unwrap_or_default().as_bytes(),
            name.as_bytes(),
            json,
        ] {
            let length = u32::try_from(part.len()).map_err(std::io::Error::other)?;
            self.compressed.write_all(&length.to_le_bytes())?;
            self.compressed.write_all(part)?;
            self.raw_bytes += 4 + u64::from(length);
        }
        Ok(())
    }

    /// The whole file.
    pub(crate) fn finish(self) -> std::io::Result<Vec<u8>> {
        let mut file = self.compressed.finish()?;
        let payload = (file.len() - HEAD) as u64;
        let checksum = crc32fast::hash(&file[HEAD..]);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&payload.to_le_bytes());
        head.extend_from_slice(&checksum.to_le_bytes());
        head.extend_from_slice(&self.raw_bytes.to_le_bytes());
        file[..HEAD].copy_from_slice(&head);
        Ok(file)
    }
}

/// Reads a whole file back. The objects share one buffer.
pub(crate) fn decode(file: &[u8]) -> Result<Vec<Saved>, Damage> {
    let head = file.get(..HEAD).ok_or(Damage::Foreign)?;
    if &head[..8] != MAGIC {
        return Err(Damage::Foreign);
    }
    let payload = &file[HEAD..];
    let checksum = u32::from_le_bytes([head[16], head[17], head[18], head[19]]);
    if number(&head[8..16]) != payload.len() as u64 || checksum != crc32fast::hash(payload) {
        return Err(Damage::Checksum);
    }
    let contents = |error: &dyn std::fmt::Display| Damage::Contents(error.to_string());
    let raw_bytes = number(&head[20..28]).min(LARGEST);
    let mut raw = Vec::with_capacity(usize::try_from(raw_bytes).unwrap_or_default());
    zstd::Decoder::new(payload)
        .map_err(|error| contents(&error))?
        .take(LARGEST)
        .read_to_end(&mut raw)
        .map_err(|error| contents(&error))?;
    let mut rest = Bytes::from(raw);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let mut part = || take(&mut rest).ok_or_else(|| contents(&"a record is cut off"));
        let (kind, namespace, name, json) = (part()?, part()?, part()?, part()?);
        let text =
            |bytes: &Bytes| String::from_utf8(bytes.to_vec()).map_err(|error| contents(&error));
        found.push(Saved {
            kind: text(&kind)?,
            namespace: Some(text(&namespace)?).filter(|namespace| !namespace.is_empty()),
            name: text(&name)?,
            json,
        });
    }
    Ok(found)
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = rest.get(..4)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    let end = 4 + usize::try_from(length).ok()?;
    if rest.len() < end {
        return None;
    }
    let part = rest.slice(4..end);
    *rest = rest.slice(end..);
    Some(part)
}

/// Eight bytes, little end first.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Saved, decode};

    fn saved(kind: &str, namespace: Option<&str>, name: &str, json: &str) -> Saved {
        Saved {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            json: json.to_owned().into(),
        }
    }

    fn encode(objects: &[Saved]) -> Vec<u8> {
        let mut encoder = Encoder::new().expect("an encoder");
        for one in objects {
            encoder
                .push(&one.kind, one.namespace.as_deref(), &one.name, &one.json)
                .expect("pushed");
        }
        encoder.finish().expect("a file")
    }

    #[test]
    fn objects_come_back() {
        for objects in [
            vec![],
            vec![saved("Namespace", None, "a", "{}")],
            vec![
                saved("HTTPRoute", Some("shop"), "web", "{\"spec\":{}}"),
                saved("Secret", Some("shop"), "web", ""),
            ],
        ] {
            assert_eq!(decode(&encode(&objects)).expect("readable"), objects);
        }
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let file = encode(&[saved("HTTPRoute", Some("shop"), "web", "{\"spec\":{}}")]);
        for at in 0..20 {
            let mut flipped = file.clone();
            flipped[at] ^= 0x20;
            assert!(decode(&flipped).is_err(), "byte {at} of the head flipped");
        }
        for at in 28..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 0x01;
            assert!(decode(&flipped).is_err(), "byte {at} flipped");
        }
        for length in 0..file.len() {
            assert!(decode(&file[..length]).is_err(), "cut at {length}");
        }
    }
}
