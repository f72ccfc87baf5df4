//! Lines, figures and spans, as texts.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use tidegate_routing::{Action, ClusterKey, ListenerKey, RouteIdentity, Rule, Snapshot};

use super::{AccessLogOptions, Field, LogFormat, Observability, ObserveOptions, Span};
use crate::record::{Hedge, HttpVersion, Observers as _, Reason, RequestRecord};

mod forgotten;
mod traces;

fn rule(route: &str) -> Rule {
    Rule::new(
        Arc::new(RouteIdentity {
            kind: "HTTPRoute".into(),
            namespace: "default".into(),
            name: route.into(),
            generation: 1,
            created_s: 0,
        }),
        2,
        Action::Forward(Vec::new()),
    )
}

fn listener() -> ListenerKey {
    ListenerKey {
        kind: "Gateway".into(),
        namespace: "infra".into(),
        name: "edge".into(),
        section: "http".into(),
    }
}

/// All figures, while nothing is served.
fn figures(observability: &Observability) -> String {
    observability.metrics(&Snapshot::default(), Instant::now())
}

/// A request that went well, as far as nothing is changed.
fn record<'a>(rule: Option<&'a Rule>, listener: Option<&'a ListenerKey>) -> RequestRecord<'a> {
    RequestRecord {
        local: "127.0.0.1:80".parse().expect("an address"),
        client: "192.0.2.7".parse().expect("an address"),
        peer: "10.0.0.9:5000".parse().expect("an address"),
        listener,
        rule,
        cluster: None,
        endpoint: None,
        request_id: "00ff",
        span: None,
        version: HttpVersion::Http11,
        secure: false,
        method: "GET",
        host: "shop.example.com",
        path: "/a",
        query: "token=1",
        user_agent: b"curl/8",
        status: 200,
        reason: None,
        tries: 1,
        hedge: None,
        request_bytes: 3,
        answer_bytes: 1_024,
        began: Instant::now(),
        duration: Duration::from_micros(1_234),
        upstream_wait: Some(Duration::from_micros(1_005)),
    }
}

/// A sink that shows what it got.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log(
    format: LogFormat,
    fields: Vec<Field>,
    one_in: u32,
    records: &[RequestRecord<'_>],
) -> String {
    let sink = Sink::default();
    let mut log = AccessLogOptions::to(Box::new(sink.clone()));
    (log.format, log.fields, log.one_in) = (format, fields, one_in);
    let options = ObserveOptions {
        access_log: Some(log),
        ..ObserveOptions::default()
    };
    let observability = Observability::start(options).expect("a thread");
    let observer = observability.observer(0);
    for record in records {
        observer.ended(record);
    }
    // What is there is carried away before it is gone.
    drop((observer, observability));
    let bytes = sink
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    String::from_utf8(bytes).expect("UTF-8")
}

/// All but the time.
fn timeless() -> Vec<Field> {
    Field::ALL
        .iter()
        .filter(|field| **field != Field::Time)
        .copied()
        .collect()
}

#[test]
fn a_line_of_each_form() {
    let (rule, listener, cluster) = (
        rule("shop"),
        listener(),
        ClusterKey("default/web:80".into()),
    );
    let mut full = record(Some(&rule), Some(&listener));
    full.cluster = Some(&cluster);
    full.endpoint = Some("10.1.1.1:8080".parse().expect("an address"));
    full.reason = Some(Reason::Truncated);
    full.hedge = Some(Hedge::Won);
    full.span = Some(Span::begin(None, [0, 0xabc, 7], true));
    let json = concat!(
        r#"{"request_id":"00ff","trace_id":"00000000000000000000000000000abc","client":"192.0.2.7","peer":"10.0.0.9:5000","#,
        r#""local":"127.0.0.1:80","scheme":"http","version":"1.1","method":"GET","host":"shop.example.com","#,
        r#""path":"/a","query":"token=1","user_agent":"curl/8","status":200,"reason":"truncated","#,
        r#""listener":"infra/edge/http","route":"default/shop","rule":2,"cluster":"default/web:80","#,
        r#""endpoint":"10.1.1.1:8080","tries":1,"hedge":"won","request_bytes":3,"answer_bytes":1024,"duration_ms":1.234,"#,
        r#""upstream_ms":1.005}"#,
        "\n"
    );
    let text = "method=GET host=shop.example.com path=/a status=200 route=default/shop duration_ms=1.234\n";
    let few = [
        Field::Method,
        Field::Host,
        Field::Path,
        Field::Status,
        Field::Route,
        Field::DurationMs,
    ];
    let records = [full];
    assert_eq!(log(LogFormat::Json, timeless(), 1, &records), json);
    assert_eq!(log(LogFormat::Text, few.to_vec(), 1, &records), text);
    assert_eq!(log(LogFormat::Json, Vec::new(), 1, &records), "{}\n");
    let usual = log(LogFormat::Json, Field::usual(), 0, &records);
    assert!(
        usual.starts_with("{\"time\":\"20") && !usual.contains("token"),
        "{usual}"
    );
}

/// Whatever clients send, a line stays one line, and JSON stays JSON.
#[test]
fn clients_cannot_forge_lines() {
    let hostile: &[&[u8]] = &[
        b"a\nb",
        b"\"",
        b"\\",
        b"\x1b[31m",
        b"\xff\xfe",
        b"a b=c",
        b"\x00",
        "\u{7f}\u{85}é".as_bytes(),
        b"\r",
    ];
    for value in hostile {
        let mut one = record(None, None);
        one.user_agent = value;
        let line = log(
            LogFormat::Json,
            vec![Field::UserAgent, Field::Status],
            1,
            &[one],
        );
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(!line.trim_end().contains(char::is_control), "{line:?}");
        let parsed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(parsed["user_agent"], *String::from_utf8_lossy(value));
        let mut one = record(None, None);
        one.user_agent = value;
        let line = log(
            LogFormat::Text,
            vec![Field::UserAgent, Field::Status],
            1,
            &[one],
        );
        assert!(
            line.starts_with("user_agent=\"") && line.ends_with("\" status=200\n"),
            "{line:?}"
        );
    }
}

#[test]
fn samples_leave_failures_in() {
    let records: Vec<RequestRecord<'_>> = (0..100_u16)
        .map(|at| {
            let mut one = record(None, None);
            one.status = if at % 10 == 3 { 503 } else { 200 };
            one
        })
        .collect();
    for (one_in, good) in [(0, 90), (1, 90), (10, 9), (1_000, 0)] {
        let lines = log(LogFormat::Text, vec![Field::Status], one_in, &records);
        assert_eq!(lines.matches("503").count(), 10, "one in {one_in}");
        assert_eq!(lines.matches("200").count(), good, "one in {one_in}");
    }
}

/// A sink that takes nothing stops no request: lines are dropped and counted, and memory is bounded.
#[test]
fn a_sink_that_hangs_stops_nobody() {
    struct Hangs(mpsc::Receiver<()>);
    impl io::Write for Hangs {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Until the sender is dropped.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, hang) = mpsc::channel();
    let options = ObserveOptions {
        access_log: Some(AccessLogOptions::to(Box::new(Hangs(hang)))),
        ..ObserveOptions::default()
    };
    let observability = Observability::start(options).expect("a thread");
    let observer = observability.observer(0);
    for _ in 0..20_000 {
        observer.ended(&record(None, None));
    }
    let text = figures(&observability);
    let dropped = value(&text, "tidegate_access_log_dropped_total");
    assert!((5_000.0..20_000.0).contains(&dropped), "{dropped}");
    drop(release);
}

/// The value of a series.
fn value(text: &str, series: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}"))
        .parse()
        .expect("a number")
}

#[test]
fn second_tries_beside_the_first_are_no_retries() {
    let observability = Observability::start(ObserveOptions::default()).expect("a thread");
    let observer = observability.observer(0);
    for (tries, hedge) in [
        (1, None),
        (3, Some(Hedge::Won)),
        (2, Some(Hedge::Lost)),
        (2, Some(Hedge::Lost)),
    ] {
        let mut one = record(None, None);
        (one.tries, one.hedge) = (tries, hedge);
        observer.ended(&one);
    }
    let text = figures(&observability);
    for (series, expect) in [
        (r#"tidegate_retries_total{listener="none"}"#, 1.0),
        (
            r#"tidegate_hedges_total{listener="none",outcome="won"}"#,
            1.0,
        ),
        (
            r#"tidegate_hedges_total{listener="none",outcome="lost"}"#,
            2.0,
        ),
    ] {
        assert_eq!(value(&text, series), expect, "{series}");
    }
}

/// What three workers with five requests each, and a fourth with one, make.
const FIGURES: &[(&str, f64)] = &[
    (
        r#"tidegate_requests_total{listener="infra/edge/http",class="2xx"}"#,
        6.0,
    ),
    (
        r#"tidegate_requests_total{listener="infra/edge/http",class="none"}"#,
        3.0,
    ),
    (
        r#"tidegate_requests_total{listener="none",class="2xx"}"#,
        1.0,
    ),
    (
        r#"tidegate_route_requests_total{route="default/shop",class="4xx"}"#,
        3.0,
    ),
    (
        r#"tidegate_answers_by_reason_total{reason="no_endpoint"}"#,
        3.0,
    ),
    (
        r#"tidegate_retries_total{listener="infra/edge/http"}"#,
        15.0,
    ),
    (
        r#"tidegate_answer_bytes_total{listener="infra/edge/http"}"#,
        15_360.0,
    ),
    (
        r#"tidegate_request_duration_seconds_bucket{listener="infra/edge/http",le="0.001"}"#,
        0.0,
    ),
    (
        r#"tidegate_request_duration_seconds_bucket{listener="infra/edge/http",le="0.0025"}"#,
        15.0,
    ),
    (
        r#"tidegate_request_duration_seconds_bucket{listener="infra/edge/http",le="+Inf"}"#,
        15.0,
    ),
    (
        r#"tidegate_request_duration_seconds_count{listener="infra/edge/http"}"#,
        15.0,
    ),
    (
        r#"tidegate_request_duration_seconds_sum{listener="infra/edge/http"}"#,
        0.018_51,
    ),
];

#[test]
fn figures_are_summed_over_workers() {
    let observability = Observability::start(ObserveOptions::default()).expect("no thread");
    let (rule, listener) = (rule("shop"), listener());
    for worker in 0..3 {
        let observer = observability.observer(worker);
        for status in [200, 200, 404, 503, 0] {
            let mut one = record(Some(&rule), Some(&listener));
            one.status = status;
            one.tries = 2;
            one.reason = (status == 503).then_some(Reason::NoEndpoint);
            observer.ended(&one);
        }
    }
    observability.observer(3).ended(&record(None, None));
    let text = figures(&observability);
    for (series, expect) in FIGURES {
        assert!(
            (value(&text, series) - *expect).abs() < 1e-9,
            "{series}: {}",
            value(&text, series)
        );
    }
    for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
        assert_eq!(text.matches(line).count(), 1, "{line}");
    }
}

/// Ten thousand routes and a thousand listeners make no more series than the limits say.
#[test]
fn the_number_of_series_is_bounded() {
    let options = ObserveOptions {
        routes_max: 50,
        ..ObserveOptions::default()
    };
    let observability = Observability::start(options).expect("no thread");
    let observer = observability.observer(0);
    for at in 0..10_000 {
        let rule = rule(&format!("route-{at}"));
        let mut listener = listener();
        listener.section = format!("{}", at % 1_000).into();
        observer.ended(&record(Some(&rule), Some(&listener)));
    }
    let text = figures(&observability);
    assert_eq!(text.matches("tidegate_route_requests_total{").count(), 51);
    assert_eq!(text.matches("tidegate_requests_total{").count(), 201);
    let other = r#"tidegate_route_requests_total{route="other",class="2xx"}"#;
    assert!((value(&text, other) - 9_950.0).abs() < 0.5);
}
