//! The same exchanges in all four combinations of HTTP/1 and HTTP/2.

use crate::{
    h2::{h2_world, head, trailers},
    h2_support::{H2Origin, Reply, ask, connect, request},
    support::{Origin, Script, World, body, exchange, field, status},
};

/// One exchange, as the client asks for it and as the origin answers.
struct Case {
    method: &'static str,
    sent: &'static str,
    status: u16,
    fields: &'static [(&'static str, &'static str)],
    answered: &'static str,
    /// Also in HTTP/1, where chunks carry them.
    trailer: Option<&'static str>,
}

const CASES: &[Case] = &[
    case("GET", "", 200, &[], "hello"),
    case("GET", "", 200, &[("content-length", "5")], "hello"),
    case("GET", "", 200, &[("content-length", "0")], ""),
    case("GET", "", 204, &[], ""),
    case("GET", "", 304, &[("etag", "\"a\"")], ""),
    case("HEAD", "", 200, &[("content-length", "5")], ""),
    case("POST", "some text", 201, &[("location", "/1")], "made"),
    case("DELETE", "", 404, &[("content-length", "4")], "none"),
    Case {
        trailer: Some("end"),
        ..case("POST", "x", 200, &[], "with a trailer")
    },
];

const fn case(
    method: &'static str,
    sent: &'static str,
    status: u16,
    fields: &'static [(&'static str, &'static str)],
    answered: &'static str,
) -> Case {
    Case {
        method,
        sent,
        status,
        fields,
        answered,
        trailer: None,
    }
}

impl Case {
    /// What an origin of HTTP/1 says.
    fn http1(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let sized = self.fields.iter().any(|field| field.0 == "content-length");
        let bodiless = self.status == 204 || self.status == 304;
        if sized || bodiless {
            return format!("{text}\r\n{}", self.answered).into_bytes();
        }
        let (length, answered) = (self.answered.len(), self.answered);
        let trailer = self
            .trailer
            .map_or(String::new(), |value| format!("x-end: {value}\r\n"));
        format!(
            "{text}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{answered}\r\n0\r\n{trailer}\r\n"
        )
        .into_bytes()
    }

    async fn check(&self, world: &World, h2_front: bool, label: &str) {
        let address = world.address;
        let (got, answered, trailer, length) = if h2_front {
            let sender = connect(address).await;
            let got = ask(
                &sender,
                request(self.method, "/"),
                self.sent.as_bytes(),
                None,
            )
            .await;
            let got = got.unwrap_or_else(|error| panic!("{label}: {error}"));
            let text = String::from_utf8(got.body.clone()).expect("text");
            let length = got.field("content-length").map(str::to_owned);
            (
                got.line.parse().expect("digits"),
                text,
                got.trailer("x-end").map(str::to_owned),
                length,
            )
        } else {
            let text = exchange(
                address,
                &format!(
                    "{} / HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
                    self.method,
                    self.sent.len(),
                    self.sent
                ),
            )
            .await;
            let (answered, trailer) = unchunk(&text);
            (
                status(&text),
                answered,
                trailer,
                field(&text, "content-length").map(str::to_owned),
            )
        };
        assert_eq!(
            (got, answered.as_str()),
            (self.status, self.answered),
            "{label}"
        );
        assert_eq!(trailer.as_deref(), self.trailer, "{label}");
        let expect = self.fields.iter().find(|field| field.0 == "content-length");
        assert_eq!(length.as_deref(), expect.map(|field| field.1), "{label}");
    }
}

/// The body of an answer in HTTP/1, and its trailer.
fn unchunk(text: &str) -> (String, Option<String>) {
    let chunked = field(text, "transfer-encoding").is_some();
    let (mut rest, mut whole) = (body(text), String::new());
    if !chunked {
        return (rest.to_owned(), None);
    }
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            let end = after
                .strip_prefix("x-end: ")
                .and_then(|end| end.lines().next());
            return (whole, end.map(str::to_owned));
        }
        whole.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    panic!("no end: {text}");
}

#[tokio::test]
async fn exchanges_are_the_same_in_all_combinations() {
    for case in CASES {
        let text = case.http1();
        let old = Origin::start(move |_, _| Script::Answer(text.clone())).await;
        let end = case.trailer.map(|value| trailers("x-end", value));
        let (answer, text) = (head(case.status, case.fields), case.answered.as_bytes());
        let new = H2Origin::start(move |_, _| {
            Reply::Answer(Box::new(answer.clone()), text.to_vec(), end.clone())
        })
        .await;
        let mut old_world = World::new();
        old_world.route("/", &[old.address], |_, _| {});
        let mut new_world = h2_world(&new);
        let _proxies = (old_world.serve().await, new_world.serve().await);
        for h2_front in [false, true] {
            let what = format!("{} {} {}", case.method, case.status, case.answered);
            case.check(
                &old_world,
                h2_front,
                &format!("{what}, h2 {h2_front} to h1"),
            )
            .await;
            case.check(
                &new_world,
                h2_front,
                &format!("{what}, h2 {h2_front} to h2"),
            )
            .await;
        }
        let sent: Vec<Vec<u8>> = new.seen().into_iter().map(|seen| seen.body).collect();
        assert_eq!(sent, [case.sent.as_bytes(), case.sent.as_bytes()]);
        assert!(old.seen().iter().all(|seen| seen.contains(case.sent)));
    }
}
