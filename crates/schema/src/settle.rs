//! Numbers as they come back from storage. Go prints whole floats without a point, and reads them as integers.

use crate::gotext;
use serde_json::Value;

/// Makes whole floats integers where they fit, as a round trip through Go's encoder does: `1.0` is `1` from then on.
/// To be done with a custom resource after validation, before it is stored or answered.
pub fn settle_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Ok(int) = gotext::json(value).parse::<i64>() {
                *value = int.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle_numbers),
        Value::Object(fields) => fields.values_mut().for_each(settle_numbers),
        _ => {}
    }
}
