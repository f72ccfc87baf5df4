//! Codes one run of letters and digits in few bits, given the run that it replaces.
//!
//! A uid's hexadecimal digit takes 4 bits, a time's two digits 7, a generated name's letter 5,
//! and a length costs nothing while it stays the same. Knows no JSON.

use crate::{
    bits::{BitReader, BitWriter},
    error::UnpackError,
};

/// Letters and digits of the names that Kubernetes generates.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const HEX_LETTERS: &[u8; 16] = b"0123456789abcdef";
const ALL_LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const NAME_INDEX: [u8; 256] = index(NAME_LETTERS);
const HEX_INDEX: [u8; 256] = index(HEX_LETTERS);
const ALL_INDEX: [u8; 256] = index(ALL_LETTERS);

/// Marks bytes that an alphabet lacks.
const ABSENT: u8 = u8::MAX;

/// How the characters of a token are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `0-9`, three in 10 bits.
    Digits,
    /// `0-9a-f`, 4 bits each.
    Hex,
    /// Digits around capitals, as in times (`02T13`, `59Z`); the capitals are the base's.
    Time,
    /// The alphabet of generated names, 5 bits each.
    Name,
    /// Letters and digits, 6 bits each.
    All,
    /// Any bytes.
    Raw,
}

/// Whether `byte` belongs into a token.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    ALL_INDEX[usize::from(byte)] != ABSENT
}

/// The end of the token that starts at `start`; `start` itself when there is none.
pub(crate) fn token_end(text: &[u8], start: usize) -> usize {
    let run = text[start..].iter().position(|&byte| !is_token_byte(byte));
    run.map_or(text.len(), |len| start + len)
}

/// The class in which a token like `base` is most likely written.
pub(crate) fn expected_class(base: &[u8]) -> Class {
    let (mut digits, mut capitals) = (0, 0);
    for byte in base {
        digits += usize::from(byte.is_ascii_digit());
        capitals += usize::from(byte.is_ascii_uppercase());
    }
    if digits == base.len() {
        Class::Digits
    } else if capitals > 0 && digits + capitals == base.len() {
        Class::Time
    } else {
        plain_class(base)
    }
}

/// The smallest class for `token` that doesn't depend on a base.
pub(crate) fn plain_class(token: &[u8]) -> Class {
    let classes = [Class::Digits, Class::Hex, Class::Name, Class::All];
    classes
        .into_iter()
        .find(|class| class.holds(token, b""))
        .unwrap_or(Class::Raw)
}

impl Class {
    /// Whether this class can write `token` in place of `base`.
    pub(crate) fn holds(self, token: &[u8], base: &[u8]) -> bool {
        let within = |index: &[u8; 256]| token.iter().all(|&b| index[usize::from(b)] != ABSENT);
        match self {
            Self::Digits => token.iter().all(u8::is_ascii_digit),
            Self::Hex => within(&HEX_INDEX),
            Self::Time => {
                token.len() == base.len()
                    && token.iter().zip(base).all(|(&byte, &model)| {
                        if model.is_ascii_digit() {
                            byte.is_ascii_digit()
                        } else {
                            byte == model
                        }
                    })
            }
            Self::Name => within(&NAME_INDEX),
            Self::All => within(&ALL_INDEX),
            Self::Raw => true,
        }
    }

    /// Writes the characters of `token`, not its length. `self.holds(token, base)` is required.
    pub(crate) fn write(self, token: &[u8], bits: &mut BitWriter<'_>) {
        match self {
            Self::Digits => write_digits(token, bits),
            Self::Time => {
                for run in token.split(u8::is_ascii_uppercase) {
                    write_digits(run, bits);
                }
            }
            Self::Hex => write_letters(token, &HEX_INDEX, 4, bits),
            Self::Name => write_letters(token, &NAME_INDEX, 5, bits),
            Self::All => write_letters(token, &ALL_INDEX, 6, bits),
            Self::Raw => token.iter().for_each(|&byte| bits.put(u64::from(byte), 8)),
        }
    }

    /// Reads `len` characters into `out`; `base` is the token being replaced.
    pub(crate) fn read(
        self,
        len: usize,
        base: &[u8],
        bits: &mut BitReader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), UnpackError> {
        match self {
            Self::Digits => read_digits(len, bits, out),
            Self::Time => {
                let mut rest = base;
                while !rest.is_empty() {
                    let run = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    read_digits(run, bits, out);
                    let capitals = rest[run..]
                        .iter()
                        .take_while(|b| !b.is_ascii_digit())
                        .count();
                    out.extend_from_slice(&rest[run..run + capitals]);
                    rest = &rest[run + capitals..];
                }
            }
            Self::Hex => read_hex(len, bits, out),
            Self::Name => read_letters(len, NAME_LETTERS, 5, bits, out)?,
            Self::All => read_letters(len, ALL_LETTERS, 6, bits, out)?,
            Self::Raw => out.extend((0..len).map(|_| bits.get_byte(8))),
        }
        Ok(())
    }

    /// Writes which class this is. `Time` needs a base and is never written.
    pub(crate) fn write_self(self, bits: &mut BitWriter<'_>) {
        let code = match self {
            Self::Digits => 0,
            Self::Hex => 1,
            Self::Name => 2,
            Self::All => 3,
            Self::Raw | Self::Time => 4,
        };
        bits.put(code, 3);
    }

    pub(crate) fn read_self(bits: &mut BitReader<'_>) -> Result<Self, UnpackError> {
        match bits.get(3) {
            0 => Ok(Self::Digits),
            1 => Ok(Self::Hex),
            2 => Ok(Self::Name),
            3 => Ok(Self::All),
            4 => Ok(Self::Raw),
            _ => Err(UnpackError::Damaged),
        }
    }
}

/// Bits for `len` digits, at most three, written as one number.
fn digit_bits(len: usize) -> u32 {
    match len {
        1 => 4,
        2 => 7,
        _ => 10,
    }
}

fn write_digits(token: &[u8], bits: &mut BitWriter<'_>) {
    for chunk in token.chunks(3) {
        let number = chunk
            .iter()
            .fold(0, |n, digit| n * 10 + u64::from(digit & 15));
        bits.put(number, digit_bits(chunk.len()));
    }
}

fn read_digits(mut len: usize, bits: &mut BitReader<'_>, out: &mut Vec<u8>) {
    while len > 0 {
        let chunk_len = len.min(3);
        let number = bits.get(digit_bits(chunk_len));
        let digit = |divisor: u64| b'0' + (number / divisor % 10).to_le_bytes()[0];
        let digits = [digit(100), digit(10), digit(1)];
        out.extend_from_slice(&digits[3 - chunk_len..]);
        len -= chunk_len;
    }
}

fn write_letters(token: &[u8], index: &[u8; 256], letter_bits: u32, bits: &mut BitWriter<'_>) {
    for &byte in token {
        bits.put(u64::from(index[usize::from(byte)]), letter_bits);
    }
}

fn read_hex(len: usize, bits: &mut BitReader<'_>, out: &mut Vec<u8>) {
    let mut left = len;
    while left >= 8 {
        let eight = bits.get(32);
        let letters: [u8; 8] =
            std::array::from_fn(|i| HEX_LETTERS[(eight >> (4 * i) & 15) as usize]);
        out.extend_from_slice(&letters);
        left -= 8;
    }
    out.extend((0..left).map(|_| HEX_LETTERS[usize::from(bits.get_byte(4))]));
}

fn read_letters(
    len: usize,
    letters: &[u8],
    letter_bits: u32,
    bits: &mut BitReader<'_>,
    out: &mut Vec<u8>,
) -> Result<(), UnpackError> {
    for _ in 0..len {
        let letter = letters.get(usize::from(bits.get_byte(letter_bits)));
        out.push(*letter.ok_or(UnpackError::Damaged)?);
    }
    Ok(())
}

const fn index(letters: &[u8]) -> [u8; 256] {
    let mut index = [ABSENT; 256];
    let mut at = 0;
    while at < letters.len() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "alphabets have at most 62 letters"
        )]
        let code = at as u8;
        index[letters[at] as usize] = code;
        at += 1;
    }
    index
}
