//! Bounds of numbers. Go compares an int with an int bound and a float with a float bound; so does this.

use super::{Outcome, outcome::Failure, strings, trail::Trail};
use crate::{Checks, Node, Type, gotext};
use serde_json::{Number, Value};

/// 2^53 - 1: whole floats beyond it are no whole numbers.
const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;

/// Whether a float counts as a whole number.
pub(super) fn is_whole(float: f64) -> bool {
    if !float.is_finite() || float.abs() > WHOLE_MAX {
        return false;
    }
    let rounded = float.round();
    float == rounded || (rounded != 0.0 && (float - rounded).abs() < 1e-9 * rounded.abs())
}

/// Go's conversion of a float to an int on amd64: what doesn't fit is the smallest int.
#[expect(clippy::cast_possible_truncation, reason = "only where it fits")]
pub(super) fn go_int(float: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match float {
        float if (-LIMIT..LIMIT).contains(&float) => float as i64,
        _ => i64::MIN,
    }
}

pub(super) fn check(number: &Number, node: &Node, at: &Trail<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let range = Range::of(node);
    let in_range = match number.as_i64() {
        Some(int) => range.holds_int(int),
        None => range.holds_float(number.as_f64().unwrap_or(f64::NAN)),
    };
    if !in_range {
        outcome.add(range.failure("Checked", at));
    }
    if let Some(checks) = &node.checks {
        check_bounds(&mut outcome, number, checks, range, at);
    }
    outcome.matches += 1;
    outcome
}

fn check_bounds(
    outcome: &mut Outcome,
    number: &Number,
    checks: &Checks,
    range: Range<'_>,
    at: &Trail<'_>,
) {
    let bounds = [
        (checks.multiple_of, "MultipleOf", Bound::Multiple),
        (
            checks.minimum,
            "Minimum boundary",
            Bound::Minimum(checks.exclusive_minimum),
        ),
        (
            checks.maximum,
            "Maximum boundary",
            Bound::Maximum(checks.exclusive_maximum),
        ),
    ];
    for (limit, prefix, bound) in bounds {
        let Some(limit) = limit else { continue };
        let fits = range.holds_float(limit);
        if !fits {
            outcome.add(range.failure(prefix, at));
        }
        let failure = match number.as_i64() {
            Some(int) if fits => bound.check_int(int, limit, at),
            _ => bound.check_float(number.as_f64().unwrap_or(f64::NAN), limit, at),
        };
        failure.into_iter().for_each(|failure| outcome.add(failure));
    }
}

/// What a type and its format can hold.
#[derive(Clone, Copy)]
struct Range<'a> {
    is_integer: bool,
    format: Option<&'a str>,
}

impl<'a> Range<'a> {
    fn of(node: &'a Node) -> Self {
        let format = strings::known_format(node);
        match node.r#type {
            Type::Integer if !node.int_or_string => Self {
                is_integer: true,
                format,
            },
            Type::Number if !node.int_or_string => Self {
                is_integer: false,
                format,
            },
            _ => Self {
                is_integer: false,
                format: None,
            },
        }
    }

    fn holds_int(self, int: i64) -> bool {
        !self.is_integer || self.format != Some("int32") || i32::try_from(int).is_ok()
    }

    /// An integer range holds a float that prints as an integer.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only looks whether it is out of range"
    )]
    fn holds_float(self, float: f64) -> bool {
        match (self.is_integer, self.format) {
            (true, Some("int32")) => gotext::float_plain(float).parse::<i32>().is_ok(),
            (true, _) => gotext::float_plain(float).parse::<i64>().is_ok(),
            (false, Some("float")) => (float as f32).is_finite(),
            (false, _) => true,
        }
    }

    fn failure(self, prefix: &str, at: &Trail<'_>) -> Failure {
        let name = if self.is_integer { "integer" } else { "number" };
        Failure::plain(match self.format {
            Some(format) => {
                format!("{prefix} value must be of type {name} with format {format} in {at}")
            }
            None => format!("{prefix} value must be of type {name} (default format) in {at}"),
        })
    }
}

/// What a number is compared with; the flags are for bounds that are out themselves.
#[derive(Clone, Copy)]
enum Bound {
    Multiple,
    Minimum(bool),
    Maximum(bool),
}

impl Bound {
    fn check_int(self, int: i64, limit: f64, at: &Trail<'_>) -> Option<Failure> {
        let limit = go_int(limit);
        let holds = match self {
            Self::Multiple if limit <= 0 => {
                return Some(Failure::not_positive(at, &Value::from(limit)));
            }
            Self::Multiple => int % limit == 0,
            Self::Minimum(exclusive) => int > limit || (int == limit && !exclusive),
            Self::Maximum(exclusive) => int < limit || (int == limit && !exclusive),
        };
        (!holds).then(|| self.failure(&Value::from(int), &limit.to_string(), at))
    }

    fn check_float(self, float: f64, limit: f64, at: &Trail<'_>) -> Option<Failure> {
        let holds = match self {
            Self::Multiple if limit <= 0.0 => {
                return Some(Failure::not_positive(at, &Value::from(limit)));
            }
            Self::Multiple if limit < 1.0 => is_whole(1.0 / limit * float),
            Self::Multiple => is_whole(float / limit),
            Self::Minimum(exclusive) => float > limit || (float == limit && !exclusive),
            Self::Maximum(exclusive) => float < limit || (float == limit && !exclusive),
        };
        (!holds).then(|| self.failure(&Value::from(float), &gotext::float_v(limit), at))
    }

    fn failure(self, value: &Value, limit: &str, at: &Trail<'_>) -> Failure {
        let words = match self {
            Self::Multiple => "should be a multiple of",
            Self::Minimum(false) => "should be greater than or equal to",
            Self::Minimum(true) => "should be greater than",
            Self::Maximum(false) => "should be less than or equal to",
            Self::Maximum(true) => "should be less than",
        };
        Failure::invalid(at, value, &format!("{words} {limit}"))
    }
}
