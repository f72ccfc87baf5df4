//! Gateway API's rules of precedence and matching, a case each.

use std::sync::Arc;

use super::{Request, attachment, find, table};
use crate::{RouteTable, whole_regex};

/// Looks up each request (`REQUEST => ROUTE`), in the table as given and in the one built backwards.
fn check(routes: &[&str], requests: &[&str]) {
    let forwards = table(routes.iter().copied());
    let backwards = table(routes.iter().rev().copied());
    assert_eq!(forwards.len(), routes.len(), "{routes:?}");
    for line in requests {
        let (request, expect) = line.split_once(" => ").expect("an arrow");
        let request = Request::parse(request);
        assert_eq!(find(&forwards, &request), expect, "{line}");
        assert_eq!(find(&backwards, &request), expect, "backwards: {line}");
    }
}

#[test]
fn hosts_from_exact_to_any() {
    check(
        &[
            "shop.example.com / -> exact",
            "*.example.com / -> star",
            "*.shop.example.com / -> longer-star",
            "* / -> any",
        ],
        &[
            "shop.example.com/ => exact",
            "a.shop.example.com/ => longer-star",
            "b.a.shop.example.com/ => longer-star",
            "other.example.com/ => star",
            "a.other.example.com/ => star",
            "example.com/ => any",
            "xexample.com/ => any",
            "com/ => any",
            "/ => any",
        ],
    );
}

#[test]
fn a_less_specific_host_serves_what_the_more_specific_does_not_match() {
    check(
        &[
            "shop.example.com /cart -> cart",
            "*.example.com /help -> help",
            "* /help -> other-help",
            "* / GET -> rest",
        ],
        &[
            "shop.example.com/cart/1 => cart",
            "shop.example.com/help => help",
            "shop.example.com/about => rest",
            "POST shop.example.com/about => -",
            "elsewhere.org/help => other-help",
        ],
    );
}

/// Gateway API leaves the place of patterns to implementations: a catch-all prefix must not hide them.
#[test]
fn exact_paths_then_patterns_then_prefixes_each_from_long_to_short() {
    check(
        &[
            "* =/a -> exact",
            "* /a -> prefix",
            "* /a/b -> longer",
            "* / -> root",
            "* ~/[xy] -> short-pattern",
            "* ~/a/[bz]/c.* -> pattern",
            "* ~/[xy]|/a/b/c -> long-pattern",
            "* ~/[xy]|/a/b/c POST -> long-pattern-post",
            "* ~/a|/a/b/c/d/e/f/g/h -> hidden-by-exact",
        ],
        &[
            "h/a => exact",
            "h/a/ => prefix",
            "h/a/c => prefix",
            "h/a/b => longer",
            "h/a/b/d => longer",
            "h/a/b/c => long-pattern",
            "POST h/a/b/c => long-pattern-post",
            "h/a/b/cd => pattern",
            "h/a/z/c => pattern",
            "h/a/bc => prefix",
            "h/ab => root",
            "h/x => long-pattern",
            "h/xy => root",
            "h/A => root",
            "h/ => root",
        ],
    );
}

/// A host's own prefixes come before patterns of less specific hosts.
#[test]
fn patterns_stay_within_their_host() {
    check(
        &["a.b /x -> prefix", "* ~/x.* -> pattern"],
        &["a.b/x/y => prefix", "a.b/xy => pattern", "c/x => pattern"],
    );
}

/// As above, with so many paths that they are kept in another way.
#[test]
fn many_paths() {
    let many: Vec<String> = (0..50)
        .flat_map(|at| {
            [
                format!("* /p{at}/q -> prefix{at}"),
                format!("* =/p{at}/q -> exact{at}"),
            ]
        })
        .collect();
    let mut routes: Vec<&str> = many.iter().map(String::as_str).collect();
    routes.extend([
        "* / -> root",
        "* /p7 -> seven",
        "* /p7/q/r/s/t -> deep",
        "* ~/p8/q.* -> pattern",
    ]);
    check(
        &routes,
        &[
            "h/p7/q => exact7",
            "h/p7/q/ => prefix7",
            "h/p7/q/r => prefix7",
            "h/p7/q/r/s => prefix7",
            "h/p7/q/r/s/t => deep",
            "h/p7/q/r/s/tu => prefix7",
            "h/p7/qr => seven",
            "h/p77/q => root",
            "h/p8/q => exact8",
            "h/p8/q/r => pattern",
            "h/p49/q => exact49",
            "h/p49/q/x/y/z/a/b/c/d/e/f/g => prefix49",
            "h/ => root",
            "h// => root",
        ],
    );
}

#[test]
fn demands_from_method_to_headers_to_query() {
    check(
        &[
            "* /a -> none",
            "* /a q:x=1 -> one-query",
            "* /a q:x=1 q:y=2 -> two-queries",
            "* /a h:v=1 -> one-header",
            "* /a h:v=1 h:w=2 -> two-headers",
            "* /a h:v=1 q:x=1 -> header-and-query",
            "* /a POST -> method",
            "* /a POST h:v=1 -> method-and-header",
        ],
        &[
            "h/a => none",
            "h/a?x=1 => one-query",
            "h/a?y=2&x=1 => two-queries",
            "h/a?x=1 | v: 1 => header-and-query",
            "h/a?x=2 | v: 1 => one-header",
            "h/a?x=1&y=2 | V: 1 ; W: 2 => two-headers",
            "POST h/a?x=1&y=2 | v: 2 => method",
            "POST h/a | v: 1 => method-and-header",
            "post h/a => none",
        ],
    );
}

#[test]
fn ties_go_to_the_oldest_then_to_the_name_then_to_the_first() {
    check(
        &[
            "* /age -> b/young@20",
            "* /age -> c/old@10",
            "* /name -> b/x@10",
            "* /name -> a/y@10",
            "* /slash -> a-b/dash@10",
            "* /slash -> a/slash@10",
            "* /rule -> a/many@10#2",
            "* /rule -> a/many@10#1.7",
            "* /rule -> a/many@10#1.5",
        ],
        &[
            "h/age => old",
            "h/name => y",
            // `-` comes before `/`, so `a-b/dash` before `a/slash`.
            "h/slash => dash",
            "h/rule => many#1.5",
        ],
    );
}

#[test]
fn headers_have_no_case_in_names_and_join_their_values() {
    check(
        &[
            "* / h:x-v=a,b -> joined",
            "* / h:x-v=a -> single",
            "* / h:x-w~a,.* -> pattern",
        ],
        &[
            "h/ | X-V: a => single",
            "h/ | x-v: a ; X-V: b => joined",
            "h/ | x-v: a,b => joined",
            "h/ | x-v: a ; x-v: b ; x-v: c => -",
            "h/ | x-v: A => -",
            "h/ | x-w: a,z => pattern",
            "h/ | x-w: a ; x-w: z => pattern",
            "h/ | x-w: za,z => -",
            "h/ => -",
        ],
    );
}

#[test]
fn the_first_query_parameter_of_a_name_counts_decoded() {
    check(
        &[
            "* / q:a=1 -> one",
            "* / q:b~[0-9]+ -> number",
            "* / q:c=x%y -> escaped",
        ],
        &[
            "h/?a=1 => one",
            "h/?a=1&a=2 => one",
            "h/?a=2&a=1 => -",
            "h/?x&a=1 => one",
            "h/?%61=%31 => one",
            "h/?A=1 => -",
            "h/?a => -",
            "h/?b=12 => number",
            "h/?b=%312 => number",
            "h/?b=1x => -",
            "h/?c=x%25y => escaped",
            "h/?c=x%y => escaped",
            "h/?c=x%2 => -",
            "h/?a=%ff%f => -",
        ],
    );
}

#[test]
fn what_was_inserted_can_be_removed() {
    let routes = [
        "a.b / -> one",
        "*.b / -> two",
        "* / -> three",
        "* =/x -> four",
        "* ~/x -> five",
        "* / GET -> six",
    ];
    let all = routes.map(|line| Arc::new(attachment(line)));
    let mut changed = RouteTable::new();
    for one in &all {
        changed.insert(one.clone());
    }
    let before = changed.clone();
    for (removed, one) in (1..).zip(&all) {
        assert!(changed.remove(one), "{one:?}");
        assert!(!changed.remove(one), "{one:?} twice");
        assert_eq!(changed.len(), routes.len() - removed);
        assert_eq!(changed.attachments().count(), changed.len());
    }
    assert!(changed.is_empty());
    assert_eq!(find(&changed, &Request::parse("a.b/")), "-");
    assert_eq!(
        find(&before, &Request::parse("a.b/")),
        "one",
        "an older version stays as it was"
    );
}

/// A new form of a rule replaces the old one without a removal between.
#[test]
fn inserting_again_replaces() {
    let mut changed = RouteTable::new();
    for line in ["* /a -> r", "* ~/b -> r"] {
        let [old, new] = [0, 1].map(|_| Arc::new(attachment(line)));
        changed.insert(old.clone());
        changed.insert(new.clone());
        assert!(!changed.remove(&old), "what took the place of {line} stays");
    }
    assert_eq!(changed.len(), 2);
    assert_eq!(changed.attachments().count(), 2);
}

#[test]
fn patterns_match_the_whole_text_or_are_refused() {
    for (pattern, text, expect) in [
        ("a|b", "a", true),
        ("a|b", "ax", false),
        ("a|b", "xb", false),
        ("(?i)AB", "ab", true),
        ("a$", "a", true),
        ("a", "a\n", false),
        ("(?m)a$", "a\nb", false),
        (".*", "", true),
    ] {
        let regex = whole_regex(pattern).expect(pattern);
        assert_eq!(regex.is_match(text), expect, "{pattern} on {text:?}");
    }
    for pattern in [
        "a)|(b",
        "(",
        "[",
        "(?x)a # b",
        "((((a{1,100}){1,100}){1,100}){1,100})",
        r"(a)\1",
    ] {
        assert!(whole_regex(pattern).is_err(), "{pattern}");
    }
}
