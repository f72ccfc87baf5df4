//! The words of go-yaml, which are libyaml's, for what the parser finds wrong.

use granit_parser::{ErrorKind, ScanError};

/// The text of a document, or what go-yaml's reader says of one that can't be read.
pub(super) fn readable(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let is_leading = |byte: u8| matches!(byte, 0xc0..=0xf7);
        match (error.error_len(), bytes.get(at)) {
            (None, _) => "incomplete UTF-8 octet sequence",
            (Some(_), Some(byte)) if is_leading(*byte) => "invalid trailing UTF-8 octet",
            (Some(_), _) => "invalid leading UTF-8 octet",
        }
    })?;
    match text.chars().all(is_allowed) {
        true => Ok(text),
        false => Err("control characters are not allowed".to_owned()),
    }
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// `line 3: did not find expected key`. Faults of the first line have no line; those of the grammar are told with
/// the line before, as go-yaml has it.
pub(super) fn of(error: &ScanError, text: &str) -> String {
    use ErrorKind as K;
    let (is_scanner, mut words) = words(error.kind());
    let line = error.marker().line();
    let after_last = text.lines().count() + 1;
    let line = match error.kind() {
        K::UnclosedFlowCollection { .. } if text.trim_end().ends_with(['[', '{', ',']) => {
            words = "did not find expected node content";
            after_last
        }
        K::UnclosedFlowCollection { .. } | K::UnclosedQuotedScalar => after_last,
        // Found at the next token.
        K::SimpleKeyExpected | K::InvalidSimpleKey | K::TabInPlainScalar => line + 1,
        _ => line,
    };
    match if is_scanner {
        line
    } else {
        line.saturating_sub(1)
    } {
        0 => words.to_owned(),
        1 if is_scanner => words.to_owned(),
        line => format!("line {line}: {words}"),
    }
}

/// The words, and whether they come from the scanner.
fn words(kind: &ErrorKind) -> (bool, &'static str) {
    use ErrorKind as K;
    match kind {
        K::UnexpectedEofFlowSequence | K::ExpectedFlowSequenceSeparator => {
            (false, "did not find expected ',' or ']'")
        }
        K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::ExpectedFlowMappingSeparator => (false, "did not find expected ',' or '}'"),
        K::UnclosedFlowCollection { open: '[' } => (false, "did not find expected ',' or ']'"),
        K::UnclosedFlowCollection { .. } => (false, "did not find expected ',' or '}'"),
        K::MismatchedFlowCollectionEnd { open: '[', .. } => {
            (false, "did not find expected ',' or ']'")
        }
        K::MismatchedFlowCollectionEnd { .. } => (false, "did not find expected ',' or '}'"),
        K::UnexpectedEofBlockSequence | K::ExpectedBlockSequenceEntry => {
            (false, "did not find expected '-' indicator")
        }
        K::UnexpectedEofBlockMapping
        | K::ExpectedBlockMappingKey
        | K::InvalidIndentation
        | K::InvalidTrailingSingleQuotedScalar
        | K::InvalidTrailingDoubleQuotedScalar => (false, "did not find expected key"),
        K::ExpectedNodeContent | K::UnexpectedEof | K::MisplacedFlowCollectionEnd => {
            (false, "did not find expected node content")
        }
        K::ExpectedDocumentStart | K::MissingDocumentEndBeforeDirective | K::InvalidDocumentEnd => {
            (false, "did not find expected <document start>")
        }
        K::DuplicateVersionDirective => (false, "found duplicate %YAML directive"),
        K::UnsupportedYamlMajorVersion => (false, "found incompatible YAML document"),
        K::DuplicateTagDirective => (false, "found duplicate %TAG directive"),
        K::UndeclaredTagHandle => (false, "found undefined tag handle"),
        K::SimpleKeyExpected | K::InvalidSimpleKey => (true, "could not find expected ':'"),
        K::TabInIndentation | K::TabAtBlockScalarStart => (
            true,
            "found a tab character where an indentation space is expected",
        ),
        K::TabInPlainScalar => (true, "found a tab character that violates indentation"),
        K::BlockSequenceEntryNotAllowed
        | K::BlockEntryInFlowCollection
        | K::InvalidBlockEntryWhitespace => (
            true,
            "block sequence entries are not allowed in this context",
        ),
        K::MappingKeyNotAllowed => (true, "mapping keys are not allowed in this context"),
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => {
            (true, "mapping values are not allowed in this context")
        }
        K::RecursionLimitExceeded => (true, "exceeded max depth of 500"),
        K::ZeroBlockScalarIndent => (true, "found an indentation indicator equal to 0"),
        K::InvalidBlockScalarHeader | K::InvalidDirectiveTerminator => {
            (true, "did not find expected comment or line break")
        }
        K::DocumentIndicatorInQuotedScalar => (true, "found unexpected document indicator"),
        K::UnclosedQuotedScalar => (true, "found unexpected end of stream"),
        K::UnknownQuotedScalarEscape => (true, "found unknown escape character"),
        K::InvalidQuotedScalarHexEscape | K::InvalidLowSurrogateHexEscape => {
            (true, "did not find expected hexdecimal number")
        }
        K::InvalidUnicodeEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate => (true, "found invalid Unicode character escape code"),
        K::MissingAnchorOrAliasName => (
            true,
            "did not find expected alphabetic or numeric character",
        ),
        K::InvalidTagTerminator | K::InvalidTagDirectiveTerminator | K::ExpectedWhitespace => {
            (true, "did not find expected whitespace or line break")
        }
        K::UnclosedVerbatimTag => (true, "did not find the expected '>'"),
        K::MissingTagUri => (true, "did not find expected tag URI"),
        K::MissingDirectiveName => (true, "could not find expected directive name"),
        K::InvalidDirectiveName => (true, "found unexpected non-alphabetical character"),
        K::MissingYamlVersion => (true, "did not find expected version number"),
        K::MissingYamlVersionSeparator => (true, "did not find expected digit or '.' character"),
        K::YamlVersionTooLong => (true, "found extremely long version number"),
        _ => (true, "found character that cannot start any token"),
    }
}
