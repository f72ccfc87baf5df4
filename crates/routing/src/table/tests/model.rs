//! Random tables beside a model that knows only the specification's order: of all attachments that match, the first.
//! Where the specification leaves it to us, regular expressions come after exact paths, the longest first, then prefixes.

use std::{cmp::Reverse, sync::Arc};

use super::{Request, attachment, find, name};
use crate::{Attachment, Host, PathMatch, RequestView, RouteTable};

const TABLES: u64 = 120;
const REQUESTS: u64 = 60;

/// SplitMix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("below a usize")
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const HOSTS: &[&str] = &[
    "*", "a.b.c", "*.b.c", "*.c", "b.c", "x.a.b.c", "*.a.b.c", "other",
];
const SEGMENTS: &[&str] = &["a", "b", "ab", "c", "d%20e", "longer-segment"];
const HEADERS: &[&str] = &[
    "",
    "",
    " h:v=1",
    " h:v=2",
    " h:v=1 h:w=1",
    " h:v~[12]",
    " h:v=1,2",
];
const QUERIES: &[&str] = &["", "", "", " q:x=1", " q:x=1 q:y=1", " q:x~.*"];
const METHODS: &[&str] = &["", "", "", " GET", " POST"];

fn random_path(draws: &mut Draws, segments: usize) -> String {
    (0..draws.below(segments)).fold(String::new(), |path, _| {
        format!("{path}/{}", draws.one(SEGMENTS))
    })
}

/// `host` and `path` narrow the choice, so that many meet at one place.
fn random_attachment(draws: &mut Draws, hosts: usize, segments: usize) -> Attachment {
    let path = random_path(draws, segments);
    let path = match draws.below(8) {
        0 => format!("={path}/"),
        1 | 2 if !path.is_empty() => format!("={path}"),
        3 => format!("~{path}/?.*"),
        _ => format!("{path}/"),
    };
    attachment(&format!(
        "{} {path}{}{}{} -> {}/{}@{}#{}.{}",
        draws.one(&HOSTS[..hosts]),
        draws.one(METHODS),
        draws.one(HEADERS),
        draws.one(QUERIES),
        draws.one(&["n", "n-m"]),
        draws.one(&["r", "s", "t"]),
        draws.below(3),
        draws.below(3),
        draws.below(4),
    ))
}

fn random_request(draws: &mut Draws) -> Request {
    let path = random_path(draws, 6);
    let slash = if path.is_empty() || draws.below(4) == 0 {
        "/"
    } else {
        ""
    };
    Request::parse(&format!(
        "{} {}{path}{slash}{} | {}",
        draws.one(&["GET", "POST", "PUT"]),
        draws.one(&[
            "a.b.c",
            "b.c",
            "x.a.b.c",
            "y.x.a.b.c",
            "z.c",
            "c",
            "other",
            "none"
        ]),
        draws.one(&["", "?x=1", "?x=1&y=1", "?y=1&x=2"]),
        draws.one(&["", "v: 1", "v: 2", "V: 1 ; w: 1", "v: 1 ; v: 2"]),
    ))
}

/// The specification, word by word: what matches, in its order.
fn first<'a>(
    attachments: &'a [Arc<Attachment>],
    request: &RequestView<'_>,
) -> Option<&'a Arc<Attachment>> {
    let host = |one: &Attachment| match &one.host {
        Host::Exact(name) => (0, Reverse(name.len())),
        Host::Suffix(name) => (1, Reverse(name.len())),
        Host::Any => (2, Reverse(0)),
    };
    let path = |one: &Attachment| match &one.when.path {
        PathMatch::Exact(_) => (0, Reverse(0)),
        PathMatch::Regex(regex) => (1, Reverse(regex.as_str().len())),
        PathMatch::Prefix(prefix) => (2, Reverse(prefix.len())),
    };
    attachments
        .iter()
        .filter(|one| one.host.covers(request.host) && one.when.check(request).is_ok())
        .min_by(|one, other| {
            (host(one), path(one), one.precedence()).cmp(&(
                host(other),
                path(other),
                other.precedence(),
            ))
        })
}

/// Whether two stand at the same place of a table: what the second insertion replaces.
fn same_place(one: &Attachment, other: &Attachment) -> bool {
    let path = match (&one.when.path, &other.when.path) {
        (PathMatch::Exact(one), PathMatch::Exact(other))
        | (PathMatch::Prefix(one), PathMatch::Prefix(other)) => one == other,
        (PathMatch::Regex(one), PathMatch::Regex(other)) => one.as_str() == other.as_str(),
        _ => false,
    };
    path && one.host == other.host && one.precedence() == other.precedence()
}

#[test]
fn lookups_find_what_the_specification_puts_first() {
    for seed in 0..TABLES {
        let mut draws = Draws(seed);
        let hosts = [1, 3, HOSTS.len()][draws.below(3)];
        let segments = [1, 2, 4, 6][draws.below(4)];
        let size = [3, 20, 150][draws.below(3)];
        let mut model: Vec<Arc<Attachment>> = Vec::new();
        let mut table = RouteTable::new();
        for step in 0..size * 2 {
            if step > size && draws.below(2) == 0 && !model.is_empty() {
                let at = draws.below(model.len());
                let removed = model.swap_remove(at);
                assert!(table.remove(&removed), "seed {seed}: {removed:?}");
                continue;
            }
            let new = Arc::new(random_attachment(&mut draws, hosts, segments));
            model.retain(|one| !same_place(one, &new));
            model.push(new.clone());
            table.insert(new);
        }
        check(seed, &mut draws, &model, &table);
        while let Some(one) = model.pop() {
            assert!(table.remove(&one), "seed {seed}: {one:?}");
        }
        assert!(
            table.is_empty() && table.attachments().next().is_none(),
            "seed {seed}"
        );
    }
}

fn check(seed: u64, draws: &mut Draws, model: &[Arc<Attachment>], table: &RouteTable) {
    assert_eq!(table.len(), model.len(), "seed {seed}");
    let mut afresh = RouteTable::new();
    for one in model.iter().rev() {
        afresh.insert(one.clone());
    }
    for _ in 0..REQUESTS {
        let request = random_request(draws);
        let expect =
            request.with(|view| first(model, view).map_or("-".to_owned(), |one| name(one)));
        let text = request.with(|view| format!("seed {seed}: {view:?}"));
        assert_eq!(find(table, &request), expect, "{text}");
        assert_eq!(find(&afresh, &request), expect, "afresh: {text}");
    }
}
