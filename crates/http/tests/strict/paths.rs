//! Paths against their table.

use tidegate_http::{EscapedSlashes, HeadError, PathPolicy, Slashes, normalize_path};

use crate::escape::{cases, unescape};

const PATHS: &str = include_str!("../cases/paths.txt");

const KEEP: PathPolicy = PathPolicy {
    slashes: Slashes::Keep,
    escaped_slashes: EscapedSlashes::Keep,
};

fn check(bytes: &[u8], policy: PathPolicy, expect: &str) {
    let shown = bytes.escape_ascii();
    let got = match normalize_path(bytes, policy) {
        Ok(path) => path.into_owned(),
        Err(HeadError::Path) => "!path".to_owned(),
        Err(HeadError::Target) => "!target".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(got, expect, "{shown}");
    if got.starts_with('/') {
        // Once is enough.
        let again = normalize_path(got.as_bytes(), policy).expect("a normal path");
        assert_eq!(again, got, "again: {shown}");
    }
}

#[test]
fn paths_are_normalised_as_the_table_says() {
    let mut count = 0;
    for case in cases(PATHS, 3) {
        let bytes = unescape(case[0]);
        check(&bytes, PathPolicy::default(), case[1]);
        check(&bytes, KEEP, case[2]);
        count += 1;
    }
    assert!(count > 130, "the table was read: {count}");
}

#[test]
fn clean_paths_are_borrowed() {
    for path in ["/", "/a/b.c", "/v1/users/42", "/a:b@c,d=e"] {
        let normal = normalize_path(path.as_bytes(), PathPolicy::default());
        assert!(matches!(normal, Ok(std::borrow::Cow::Borrowed(same)) if same == path));
    }
}
