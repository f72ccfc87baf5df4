//! Small texts that cells are made of.

use super::Row;
use crate::{
    decode::civil_seconds,
    view::{list, map, text},
};
use serde_json::Value;

impl<'o> Row<'o> {
    pub(super) fn spec(&self) -> &'o Value {
        &self.object["spec"]
    }

    pub(super) fn status(&self) -> &'o Value {
        &self.object["status"]
    }

    pub(super) fn meta(&self) -> &'o Value {
        &self.object["metadata"]
    }

    pub(super) fn name(&self) -> Value {
        text(self.meta(), "name").into()
    }

    /// Since it was created.
    pub(super) fn age(&self) -> Value {
        self.since(&self.meta()["creationTimestamp"]).into()
    }

    /// Since a time.
    pub(super) fn since(&self, time: &Value) -> String {
        match time.as_str().and_then(civil_seconds) {
            Some(then) => duration(self.now - then),
            None => "<unknown>".to_owned(),
        }
    }
}

/// `90s`, `5m30s`, `3h`, `2d5h`, `400d`, `3y20d`.
pub(super) fn duration(seconds: i64) -> String {
    let two = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{rest}{small}")
        }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// A text, or a word where there is none.
pub(super) fn or<'t>(text: &'t str, word: &'t str) -> &'t str {
    if text.is_empty() { word } else { text }
}

/// `a=1,b=2`, or `<none>`.
pub(super) fn labels(labels: &Value) -> String {
    let all: Vec<String> = map(labels)
        .iter()
        .map(|(key, value)| format!("{key}={}", plain(value)))
        .collect();
    or(&all.join(","), "<none>").to_owned()
}

/// A scalar without quotes.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A selector as clients write it: `a=1,b in (x,y),!c`; `<none>` where it selects everything.
pub(super) fn selector(selector: &Value) -> String {
    let text = selector_text(selector);
    or(&text, "<none>").to_owned()
}

/// The same, empty where it selects everything.
pub(super) fn selector_text(selector: &Value) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in map(&selector["matchLabels"]) {
        parts.push((key.clone(), format!("{key}={}", plain(value))));
    }
    for expression in list(&selector["matchExpressions"]) {
        let key = text(expression, "key");
        let mut values: Vec<String> = list(&expression["values"]).iter().map(plain).collect();
        values.sort_unstable();
        let values = values.join(",");
        let part = match text(expression, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), part));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    parts.join(",")
}

/// The names and the images of containers.
pub(super) fn containers(template_spec: &Value) -> [Value; 2] {
    let join = |name: &str| {
        let all: Vec<&str> = list(&template_spec["containers"])
            .iter()
            .map(|one| text(one, name))
            .collect();
        Value::from(all.join(","))
    };
    [join("name"), join("image")]
}

/// `a,b,c + 2 more...`
pub(super) fn with_more(list: &[String], limit: usize, count: usize) -> String {
    let shown = list
        .get(..limit.min(list.len()))
        .unwrap_or_default()
        .join(",");
    if count > limit {
        format!("{shown} + {} more...", count - limit)
    } else {
        shown
    }
}

/// The addresses that a load balancer has given, in order.
pub(super) fn load_balancer(status: &Value) -> String {
    let ingress = list(&status["loadBalancer"]["ingress"]).iter();
    let addresses = ingress.map(|one| or(text(one, "ip"), text(one, "hostname")).to_owned());
    let mut addresses: Vec<String> = addresses.filter(|address| !address.is_empty()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.join(",")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        let cases = [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (301, "5m1s"),
            (3600, "60m"),
            (4 * 3600 + 60, "4h1m"),
            (9 * 3600, "9h"),
            (50 * 3600, "2d2h"),
            (10 * 86_400, "10d"),
            (800 * 86_400, "2y70d"),
            (3000 * 86_400, "8y"),
        ];
        for (seconds, expect) in cases {
            assert_eq!(duration(seconds), expect);
        }
    }
}
