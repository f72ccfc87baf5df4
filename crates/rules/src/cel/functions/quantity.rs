//! Quantities, as apimachinery's `resource.Quantity`: exact decimals, no finer than a billionth.

use super::{no_overload, opaque::Opaque};
use crate::cel::value::{Fault, Outcome, Value};
use std::{cmp::Ordering, sync::Arc};

/// `mantissa × 10^scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantity {
    mantissa: i128,
    scale: i32,
    /// Kept as a big decimal by Go: never a plain integer there.
    big: bool,
}

const MOST: i128 = i64::MAX as i128;
const FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMERIC: &str = "unable to parse numeric part of quantity";
const SUFFIX: &str = "unable to parse quantity's suffix";

/// A text in parts: sign, digits before and after the point, suffix.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    suffix: &'t str,
}

fn parts(text: &str) -> Result<Parts<'_>, Fault> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let rest = unsigned.trim_start_matches('0');
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", rest),
    };
    let letters = suffix
        .bytes()
        .take_while(|c| b"eEinumkKMGTP".contains(c))
        .count();
    let exponent = &suffix[letters..];
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if !exponent.bytes().all(|c| c.is_ascii_digit()) {
        return Err(Fault::new(FORMAT));
    }
    Ok(Parts {
        negative,
        whole: if whole.is_empty() { "0" } else { whole },
        fraction,
        suffix,
    })
}

/// The base's power of a suffix, and whether the base is 2.
fn power(suffix: &str) -> Option<(i32, bool)> {
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    const BINARY: [(&str, i32); 6] = [
        ("Ki", 10),
        ("Mi", 20),
        ("Gi", 30),
        ("Ti", 40),
        ("Pi", 50),
        ("Ei", 60),
    ];
    let find = |table: &[(&str, i32)]| {
        table
            .iter()
            .find(|(name, _)| *name == suffix)
            .map(|(_, power)| *power)
    };
    if let Some(power) = find(&DECIMAL) {
        return Some((power, false));
    }
    if let Some(power) = find(&BINARY) {
        return Some((power, true));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    // Past this no sum or comparison could tell the difference.
    let exponent: i64 = exponent.parse().ok()?;
    i32::try_from(exponent.clamp(-100_000, 100_000))
        .ok()
        .map(|exponent| (exponent, false))
}

impl Quantity {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new(FORMAT));
        }
        let parts = parts(text)?;
        let (power, binary) = power(parts.suffix).ok_or_else(|| Fault::new(SUFFIX))?;
        if text.trim_start_matches(['-', '+']).starts_with('.') && parts.fraction.is_empty() {
            return Err(Fault::new(NUMERIC));
        }
        let digits = i32::try_from(parts.whole.len() + parts.fraction.len()).unwrap_or(i32::MAX);
        let fraction = i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX);
        let room = if !binary {
            18 - digits
        } else if parts.fraction.is_empty() {
            15 - i32::try_from(parts.whole.len()).unwrap_or(i32::MAX) - power * 3 / 10 - 1
        } else {
            -1
        };
        let scale = if binary { 0 } else { power }.saturating_sub(fraction);
        let small = room >= 0 && scale >= -9;
        let mantissa = mantissa(&parts, binary.then_some(power));
        let quantity = match mantissa {
            Some(mantissa) => Self {
                mantissa: if parts.negative { -mantissa } else { mantissa },
                scale,
                big: !small,
            },
            // More digits than are kept: far over the largest, or all behind the point.
            None => return Ok(Self::long(&parts, power, binary)),
        };
        Ok(if small {
            quantity
        } else {
            quantity.rounded().bounded(binary)
        })
    }

    /// A number of very many digits: the first are kept, rounded up.
    fn long(parts: &Parts<'_>, power: i32, binary: bool) -> Self {
        const KEPT: usize = 30;
        let digits: String = [parts.whole, parts.fraction].concat();
        let digits = digits.trim_start_matches('0');
        let kept = &digits[..digits.len().min(KEPT)];
        let dropped = i32::try_from(digits.len() - kept.len()).unwrap_or(i32::MAX);
        let fraction = i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX);
        let more = i128::from(digits[kept.len()..].bytes().any(|digit| digit != b'0'));
        let mut mantissa = kept.parse::<i128>().unwrap_or(0) + more;
        let mut scale = dropped.saturating_sub(fraction);
        if binary {
            match mantissa.checked_mul(1 << power) {
                Some(grown) => mantissa = grown,
                None => (mantissa, scale) = (MOST, if scale < -9 { scale } else { 0 }),
            }
        } else {
            scale = scale.saturating_add(power);
        }
        Self {
            mantissa: if parts.negative { -mantissa } else { mantissa },
            scale,
            big: true,
        }
        .rounded()
        .bounded(binary)
    }

    /// Rounded away from zero to a billionth.
    fn rounded(self) -> Self {
        let mut this = self;
        if this.scale < -9 {
            let drop = u32::try_from(-9 - this.scale).unwrap_or(u32::MAX);
            let (quotient, rest) = match 10i128.checked_pow(drop) {
                Some(divisor) => (this.mantissa / divisor, this.mantissa % divisor),
                None => (0, this.mantissa),
            };
            this.mantissa = quotient + rest.signum();
            this.scale = -9;
        }
        this
    }

    /// No larger than the largest; only powers of two are cut.
    fn bounded(self, binary: bool) -> Self {
        let this = self;
        if !binary {
            return this;
        }
        let most = Self {
            mantissa: MOST,
            scale: 0,
            big: true,
        };
        if this.magnitude().compare(&most) == Ordering::Greater {
            return Self {
                mantissa: MOST * this.mantissa.signum(),
                ..most
            };
        }
        this
    }

    fn magnitude(self) -> Self {
        Self {
            mantissa: self.mantissa.abs(),
            ..self
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        // The number of digits before the point decides, unless it is the same.
        let size = |of: &Self| i64::from(of.mantissa.unsigned_abs().ilog10()) + i64::from(of.scale);
        let order = if size(self) != size(other) {
            size(self).cmp(&size(other))
        } else {
            let by = i64::from(self.scale) - i64::from(other.scale);
            let scaled = |mantissa: i128, by: i64| {
                u32::try_from(by)
                    .ok()
                    .and_then(|by| 10i128.checked_pow(by))
                    .and_then(|factor| mantissa.abs().checked_mul(factor))
            };
            let (a, b) = if by >= 0 {
                (scaled(self.mantissa, by), Some(other.mantissa.abs()))
            } else {
                (Some(self.mantissa.abs()), scaled(other.mantissa, -by))
            };
            a.cmp(&b)
        };
        if self.mantissa < 0 {
            order.reverse()
        } else {
            order
        }
    }

    fn add(&self, other: &Self) -> Result<Self, Fault> {
        let scale = self.scale.min(other.scale);
        let at = |of: &Self| {
            let by = u32::try_from(i64::from(of.scale) - i64::from(scale)).ok()?;
            10i128.checked_pow(by)?.checked_mul(of.mantissa)
        };
        let sum = match (at(self), at(other)) {
            (Some(a), Some(b)) => a.checked_add(b),
            _ => None,
        };
        let mantissa = match (sum, self.mantissa, other.mantissa) {
            (Some(sum), _, _) => sum,
            (None, 0, _) => return Ok(*other),
            (None, _, 0) => return Ok(*self),
            (None, _, _) => return Err(Fault::Limit),
        };
        Ok(Self {
            mantissa,
            scale,
            big: self.big || other.big || i64::try_from(mantissa).is_err(),
        })
    }

    fn of_int(value: i64) -> Self {
        Self {
            mantissa: i128::from(value),
            scale: 0,
            big: false,
        }
    }

    fn as_int(&self) -> Option<i64> {
        if self.big || self.scale < 0 {
            return None;
        }
        let factor = 10i128.checked_pow(u32::try_from(self.scale).ok()?)?;
        i64::try_from(self.mantissa.checked_mul(factor)?).ok()
    }

    #[expect(clippy::cast_precision_loss, reason = "asked for: an approximation")]
    fn as_double(&self) -> f64 {
        self.mantissa as f64 * 10f64.powi(self.scale)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

/// The digits as one number, times the power of two. None where they are too many.
fn mantissa(parts: &Parts<'_>, binary: Option<i32>) -> Option<i128> {
    if parts.whole.len() + parts.fraction.len() > 36 {
        return None;
    }
    let digits: i128 = format!("{}{}", parts.whole, parts.fraction).parse().ok()?;
    match binary {
        None => Some(digits),
        Some(power) => digits.checked_mul(1i128 << power),
    }
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    match (name, args) {
        ("quantity", [Value::String(text)]) => {
            return Some(Quantity::parse(text.as_str()).map(wrap));
        }
        ("isQuantity", [Value::String(text)]) => {
            return Some(Ok(Value::Bool(Quantity::parse(text.as_str()).is_ok())));
        }
        ("quantity" | "isQuantity", _) => return Some(Err(no_overload(name, args))),
        _ => {}
    }
    let quantity = of(args.first()?)?;
    let sum = |by: Quantity, sign: i128| {
        quantity.add(&Quantity {
            mantissa: by.mantissa * sign,
            ..by
        })
    };
    Some(match (name, args.get(1)) {
        ("sign", None) => Ok(Value::Int(
            i64::try_from(quantity.mantissa.signum()).unwrap_or(0),
        )),
        ("isInteger", None) => Ok(Value::Bool(quantity.as_int().is_some())),
        ("asInteger", None) => quantity
            .as_int()
            .map(Value::Int)
            .ok_or_else(|| Fault::new("cannot convert value to integer")),
        ("asApproximateFloat", None) => Ok(Value::Double(quantity.as_double())),
        ("add", Some(Value::Int(by))) => sum(Quantity::of_int(*by), 1).map(wrap),
        ("sub", Some(Value::Int(by))) => sum(Quantity::of_int(*by), -1).map(wrap),
        (_, Some(other)) => {
            let other = of(other)?;
            let order = quantity.compare(&other);
            match name {
                "add" => sum(other, 1).map(wrap),
                "sub" => sum(other, -1).map(wrap),
                "isGreaterThan" => Ok(Value::Bool(order == Ordering::Greater)),
                "isLessThan" => Ok(Value::Bool(order == Ordering::Less)),
                "compareTo" => Ok(Value::Int(order as i64)),
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn of(value: &Value<'_>) -> Option<Quantity> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Quantity(quantity) => Some(*quantity),
            _ => None,
        },
        _ => None,
    }
}

fn wrap<'a>(quantity: Quantity) -> Value<'a> {
    Value::Opaque(Arc::new(Opaque::Quantity(quantity)))
}
