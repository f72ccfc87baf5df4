//! Parts of timestamps and durations.
//!
//! A zone is an offset such as `+02:00`, or `UTC`: named zones would need a database, which is not read here.

use crate::cel::value::{Fault, Outcome, Value};

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    if !name.starts_with("get") {
        return None;
    }
    match args {
        [Value::Timestamp(at)] => part(name, *at, 0).map(|value| Ok(Value::Int(value))),
        [Value::Timestamp(at), Value::String(zone)] => match offset(zone.as_str()) {
            Ok(offset) => part(name, *at, offset).map(|value| Ok(Value::Int(value))),
            Err(fault) => Some(Err(fault)),
        },
        [Value::Duration(nanos)] => {
            let unit = match name {
                "getHours" => 3_600_000_000_000,
                "getMinutes" => 60_000_000_000,
                "getSeconds" => 1_000_000_000,
                "getMilliseconds" => 1_000_000,
                _ => return None,
            };
            Some(Ok(Value::Int(nanos / unit)))
        }
        _ => None,
    }
}

fn part(name: &str, at: crate::cel::time::Timestamp, offset: i64) -> Option<i64> {
    let civil = at.civil(offset);
    Some(match name {
        "getFullYear" => civil.year,
        "getMonth" => civil.month - 1,
        "getDate" => civil.day,
        "getDayOfMonth" => civil.day - 1,
        "getDayOfWeek" => at.weekday(offset),
        "getDayOfYear" => at.day_of_year(offset),
        "getHours" => civil.hour,
        "getMinutes" => civil.minute,
        "getSeconds" => civil.second,
        "getMilliseconds" => i64::from(at.nanos / 1_000_000),
        _ => return None,
    })
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Result<i64, Fault> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        return match zone {
            "" | "UTC" => Ok(0),
            other => Err(Fault::new(format!("unknown time zone {other}"))),
        };
    };
    let number = |text: &str| -> Result<i64, Fault> {
        let value: Option<i32> = text.parse().ok();
        value.map(i64::from).ok_or_else(|| {
            let shown = crate::cel::text::quoted(text);
            Fault::new(format!("strconv.Atoi: parsing {shown}: invalid syntax"))
        })
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if !(0..60).contains(&minutes) {
        return Err(Fault::new(format!(
            "timezone offset minutes out of range [0, 59]: {zone}"
        )));
    }
    let total = if zone.starts_with('-') {
        hours * 60 - minutes
    } else {
        hours * 60 + minutes
    };
    Ok((total * 60).clamp(-200_000_000, 200_000_000))
}
