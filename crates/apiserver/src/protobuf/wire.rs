//! Protobuf's own form: numbered fields, one after the other.

use super::ProtobufError;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Payload<'a> {
    Number(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in their order.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut number = 0_u64;
        for at in 0..10 {
            let (first, rest) = self.rest.split_first().ok_or(ProtobufError::End)?;
            self.rest = rest;
            number |= u64::from(first & 0x7f) << (7 * at);
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ProtobufError::Overflow)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], ProtobufError> {
        let length = usize::try_from(length).map_err(|_| ProtobufError::End)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(ProtobufError::End)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Payload<'a>), ProtobufError> {
        let tag = self.varint()?;
        let payload = match tag & 7 {
            0 => Payload::Number(self.varint()?),
            1 => {
                let bytes = self.take(8)?;
                let bytes = bytes.try_into().map_err(|_| ProtobufError::End)?;
                Payload::Double(f64::from_le_bytes(bytes))
            }
            2 => {
                let length = self.varint()?;
                Payload::Bytes(self.take(length)?)
            }
            _ => return Err(ProtobufError::WireType),
        };
        Ok((tag >> 3, payload))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Payload<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}
