//! Figures of the process, as Prometheus' client libraries name them.

use std::fs;

/// A process's use of its machine. Nothing where the system doesn't say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
}

/// Of this process, now.
pub(super) fn usage() -> Usage {
    let ticks = rustix::param::clock_ticks_per_second();
    let page = rustix::param::page_size();
    let open_fds = fs::read_dir("/proc/self/fd").map(|all| all.count() as u64);
    Usage {
        open_fds: open_fds.ok(),
        ..fs::read_to_string("/proc/self/stat")
            .map(|stat| parse(&stat, ticks, page as u64))
            .unwrap_or_default()
    }
}

/// Reads a line of `/proc/PID/stat`, proc(5).
fn parse(stat: &str, ticks: u64, page: u64) -> Usage {
    // The name may have any characters, blanks and brackets among them. What follows it is field 3.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |number: usize| -> Option<u64> {
        let text = after_name.split_ascii_whitespace().nth(number - 3)?;
        text.parse().ok()
    };
    let cpu_ticks = field(14).zip(field(15)).map(|(user, system)| user + system);
    Usage {
        cpu_seconds: cpu_ticks.map(|sum| sum as f64 / ticks as f64),
        resident_bytes: field(24).map(|pages| pages * page),
        open_fds: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Usage, parse, usage};

    #[test]
    fn a_line_of_proc_is_read() {
        let line = "1234 (a ) b) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 100 900000 250 1844 1 1 0";
        let expected = Usage {
            cpu_seconds: Some(2.0),
            resident_bytes: Some(250 * 4096),
            open_fds: None,
        };
        assert_eq!(parse(line, 100, 4096), expected);
        assert_eq!(parse("", 100, 4096), Usage::default());
    }

    #[test]
    fn this_process_uses_something() {
        let usage = usage();
        assert!(
            usage.resident_bytes.is_some_and(|bytes| bytes > 100_000),
            "{usage:?}"
        );
        assert!(usage.open_fds.is_some_and(|count| count > 2), "{usage:?}");
        assert!(usage.cpu_seconds.is_some(), "{usage:?}");
    }
}
