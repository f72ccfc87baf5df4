//! Rule: files stay under 500 lines and functions under 70; what is over may only shrink.
//!
//! Old exceptions stand in `xtask/tidy.ratchet`, one a line: `file LINES PATH` or `function LINES PATH NAME`.
//! An exception that has shrunk must be lowered, one that is no longer needed must go.

use std::collections::BTreeMap;

use super::{
    Violation,
    functions::functions,
    source::{Language, Source},
};

pub(crate) const RATCHET: &str = "xtask/tidy.ratchet";
const RULE: &str = "size";
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
/// `lib.rs` is a table of contents.
const LIB_CODE_LINES: usize = 150;

/// The recorded exceptions: what, and how long it may be.
#[derive(Debug, Default)]
pub(crate) struct Ratchet {
    entries: BTreeMap<String, (usize, usize)>,
}

impl Ratchet {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (lines, key) = match words.as_slice() {
                [] | ["#", ..] => continue,
                ["file", lines, path] => (lines, format!("file {path}")),
                ["function", lines, path, name] => (lines, format!("function {path} {name}")),
                _ => return Err(format!("{RATCHET}:{}: cannot read `{line}`", at + 1)),
            };
            let lines = lines
                .parse()
                .map_err(|_| format!("{RATCHET}:{}: no number: `{lines}`", at + 1))?;
            entries.insert(key, (lines, at + 1));
        }
        Ok(Self { entries })
    }

    /// Removes the exception and compares it with what is.
    fn settle(&mut self, key: &str, lines: usize) -> Settled {
        match self.entries.remove(key) {
            None => Settled::Unknown,
            Some((allowed, _)) if lines > allowed => Settled::Grown(allowed),
            Some((allowed, _)) if lines < allowed => Settled::Shrunk,
            Some(_) => Settled::Same,
        }
    }
}

enum Settled {
    Unknown,
    Grown(usize),
    Shrunk,
    Same,
}

/// Checks all files; then every exception that nothing used is a violation too.
pub(crate) fn check(sources: &[Source], mut ratchet: Ratchet, found: &mut Vec<Violation>) {
    for source in sources.iter().filter(|source| is_code(source)) {
        let lines = source.text.lines().count();
        if lines >= FILE_LINES {
            judge(
                &mut ratchet,
                &format!("file {}", source.path),
                lines,
                FILE_LINES,
                (source, 1),
                found,
            );
        }
        for function in functions(source)
            .iter()
            .filter(|function| function.lines >= FUNCTION_LINES)
        {
            let key = format!("function {} {}", source.path, function.name);
            judge(
                &mut ratchet,
                &key,
                function.lines,
                FUNCTION_LINES,
                (source, function.line),
                found,
            );
        }
        let code = source
            .masked
            .code
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        if source.path.ends_with("/src/lib.rs") && code >= LIB_CODE_LINES {
            let advice =
                format!("{code} lines of code: `lib.rs` only lists modules and what they export");
            found.push(Violation::new(&source.path, 1, RULE, &advice));
        }
    }
    for (key, (_, line)) in ratchet.entries {
        found.push(Violation::new(
            RATCHET,
            line,
            RULE,
            &format!("remove `{key}`: it is within the limit"),
        ));
    }
}

fn is_code(source: &Source) -> bool {
    !matches!(source.language, Language::Markdown | Language::Other)
}

fn judge(
    ratchet: &mut Ratchet,
    key: &str,
    lines: usize,
    limit: usize,
    place: (&Source, usize),
    found: &mut Vec<Violation>,
) {
    let advice = match ratchet.settle(key, lines) {
        Settled::Same => return,
        Settled::Unknown => format!("{lines} lines; stay under {limit}: `{key}`"),
        Settled::Grown(allowed) => {
            format!("{lines} lines; may only shrink from {allowed}: `{key}`")
        }
        Settled::Shrunk => format!("lower `{key}` to {lines} in {RATCHET}"),
    };
    found.push(Violation::new(&place.0.path, place.1, RULE, &advice));
}

#[cfg(test)]
mod tests {
    use super::{Ratchet, check};
    use crate::tidy::source::Source;

    fn complaints(path: &str, text: &str, ratchet: &str) -> String {
        let mut found = Vec::new();
        let ratchet = Ratchet::parse(ratchet).expect("a ratchet");
        check(&[Source::new(path, text)], ratchet, &mut found);
        found
            .iter()
            .map(|violation| violation.advice.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn accepts_short_files_and_functions() {
        assert_eq!(complaints("a.rs", &"// x\n".repeat(499), ""), "");
        assert_eq!(
            complaints("a.rs", &format!("fn a() {{\n{}}}", "b();\n".repeat(67)), ""),
            ""
        );
        assert_eq!(complaints("a.json", &"1\n".repeat(900), ""), "");
    }

    #[test]
    fn rejects_long_files_and_functions() {
        assert_eq!(
            complaints("a.py", &"# x\n".repeat(500), ""),
            "500 lines; stay under 500: `file a.py`"
        );
        let long = format!("fn a() {{\n{}}}", "b();\n".repeat(68));
        assert_eq!(
            complaints("a.rs", &long, ""),
            "70 lines; stay under 70: `function a.rs a`"
        );
    }

    #[test]
    fn rejects_code_in_lib() {
        let text = "pub const A: u8 = 1;\n".repeat(150);
        assert!(complaints("crates/a/src/lib.rs", &text, "").contains("only lists"));
        assert_eq!(
            complaints("crates/a/src/lib.rs", &"//! Words.\n".repeat(300), ""),
            ""
        );
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        let text = "# x\n".repeat(600);
        assert_eq!(complaints("a.py", &text, "# old\nfile 600 a.py"), "");
        assert_eq!(
            complaints("a.py", &text, "file 550 a.py"),
            "600 lines; may only shrink from 550: `file a.py`"
        );
        assert_eq!(
            complaints("a.py", &text, "file 700 a.py"),
            "lower `file a.py` to 600 in xtask/tidy.ratchet"
        );
        assert_eq!(
            complaints("a.py", "# x", "file 700 a.py"),
            "remove `file a.py`: it is within the limit"
        );
    }

    #[test]
    fn rejects_a_broken_ratchet() {
        assert!(Ratchet::parse("file many a.rs").is_err());
        assert!(Ratchet::parse("folder 1 a").is_err());
    }
}
