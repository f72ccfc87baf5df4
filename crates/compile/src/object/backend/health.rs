//! `spec.healthCheck` of a `Backend`: what its endpoints are asked, how often, and what counts.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use serde::Deserialize;
use tidegate_routing::{HealthCheck, HttpProbe, Probe};

use super::time;
use crate::text;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawHealthCheck {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    expected_statuses: Option<Vec<String>>,
    #[serde(default)]
    interval: Option<String>,
    #[serde(default)]
    timeout: Option<String>,
    #[serde(default)]
    healthy_after: Option<u32>,
    #[serde(default)]
    unhealthy_after: Option<u32>,
}

/// Probing more often would be traffic, not a check.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

impl RawHealthCheck {
    pub(super) fn keep(&self) -> Result<HealthCheck, String> {
        let interval = time(self.interval.as_deref(), "healthCheck.interval")?
            .unwrap_or(Duration::from_secs(10));
        if interval < INTERVAL_MIN {
            return Err("healthCheck.interval: less than 100ms".to_owned());
        }
        Ok(HealthCheck {
            probe: self.probe()?,
            interval,
            timeout: time(self.timeout.as_deref(), "healthCheck.timeout")?
                .unwrap_or(Duration::from_secs(2)),
            healthy_after: self.healthy_after.unwrap_or(1).clamp(1, 100),
            unhealthy_after: self.unhealthy_after.unwrap_or(3).clamp(1, 100),
        })
    }

    fn probe(&self) -> Result<Probe, String> {
        match self.kind.as_deref() {
            None | Some("HTTP") => {}
            Some("TCP") => return Ok(Probe::Connect),
            Some(other) => return Err(format!("healthCheck: type {other:?} is not known")),
        }
        let path = self.path.as_deref().unwrap_or_default();
        if !text::is_path(path) {
            return Err(format!("healthCheck: {path:?} is no path"));
        }
        let host = self.host.as_deref();
        if let Some(host) = host.filter(|host| !is_host(host)) {
            return Err(format!("healthCheck: {host:?} is no host"));
        }
        let statuses: Arc<[RangeInclusive<u16>]> = match &self.expected_statuses {
            None => Arc::new([200..=299]),
            Some(written) => written
                .iter()
                .map(|one| range(one))
                .collect::<Result<_, _>>()?,
        };
        Ok(Probe::Http(HttpProbe {
            path: path.into(),
            host: host.map(Into::into),
            statuses,
        }))
    }
}

/// A name or an IPv4 address, maybe with a port.
fn is_host(written: &str) -> bool {
    let (name, port) = match written.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (written, None),
    };
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    text::is_dns_name(name)
        && port.is_none_or(|port| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `200` or `200-399`.
fn range(written: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let status = |digits: &str| {
        let number = digits.parse::<u16>().ok();
        number.filter(|number| digits.len() == 3 && (200..=599).contains(number))
    };
    match (status(first), status(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(format!("healthCheck: {written:?} is no range of statuses")),
    }
}

#[cfg(test)]
mod tests {
    use super::RawHealthCheck;

    /// What is kept of a check, or why not.
    fn check(written: &str, expected: &str) {
        let raw: RawHealthCheck = serde_json::from_str(written).expect("JSON");
        let kept = raw
            .keep()
            .map(|kept| format!("{:?} {:?}", kept.probe, kept.interval));
        assert_eq!(kept.unwrap_or_else(|why| why), expected, "{written}");
    }

    #[test]
    fn what_is_kept_and_what_is_refused() {
        check(r#"{"type":"TCP"}"#, "Connect 10s");
        check(
            r#"{"path":"/h","interval":"100ms"}"#,
            r#"Http(HttpProbe { path: "/h", host: None, statuses: [200..=299] }) 100ms"#,
        );
        check(
            r#"{"path":"/h","host":"a.example:8080","expectedStatuses":["200","301-399"]}"#,
            r#"Http(HttpProbe { path: "/h", host: Some("a.example:8080"), statuses: [200..=200, 301..=399] }) 10s"#,
        );
        check("{}", r#"healthCheck: "" is no path"#);
        check(
            r#"{"type":"gRPC"}"#,
            r#"healthCheck: type "gRPC" is not known"#,
        );
        check(
            r#"{"path":"/h","interval":"99ms"}"#,
            "healthCheck.interval: less than 100ms",
        );
        for host in ["a b", "a\\r\\nx: y", "a:0", "a:99999", "a:+1", "[::1]", ""] {
            let shown: String = serde_json::from_str(&format!("\"{host}\"")).expect("text");
            check(
                &format!(r#"{{"path":"/h","host":"{host}"}}"#),
                &format!("healthCheck: {shown:?} is no host"),
            );
        }
        for range in [
            "",
            "-",
            "99",
            "600",
            "100",
            "299-200",
            "200-",
            "+20",
            "200-299-300",
        ] {
            check(
                &format!(r#"{{"path":"/h","expectedStatuses":["{range}"]}}"#),
                &format!("healthCheck: {range:?} is no range of statuses"),
            );
        }
    }
}
