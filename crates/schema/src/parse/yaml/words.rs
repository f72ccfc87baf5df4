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
    match words_of_grammar(kind) {
        Some(words) => (false, words),
        None => (true, words_of_scanner(kind)),
    }
}

fn words_of_grammar(kind: &ErrorKind) -> Option<&'static str> {
    use ErrorKind as K;
    Some(match kind {
        K::UnexpectedEofFlowSequence
        | K::ExpectedFlowSequenceSeparator
        | K::UnclosedFlowCollection { open: '[' }
        | K::MismatchedFlowCollectionEnd { open: '[', .. } => "did not find expected ',' or ']'",
        K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::ExpectedFlowMappingSeparator
        | K::UnclosedFlowCollection { .. }
        | K::MismatchedFlowCollectionEnd { .. } => "did not find expected ',' or '}'",
        K::UnexpectedEofBlockSequence | K::ExpectedBlockSequenceEntry => {
            "did not find expected '-' indicator"
        }
        K::UnexpectedEofBlockMapping
        | K::ExpectedBlockMappingKey
        | K::InvalidIndentation
        | K::InvalidTrailingSingleQuotedScalar
        | K::InvalidTrailingDoubleQuotedScalar => "did not find expected key",
        K::ExpectedNodeContent | K::UnexpectedEof | K::MisplacedFlowCollectionEnd => {
            "did not find expected node content"
        }
        K::ExpectedDocumentStart | K::MissingDocumentEndBeforeDirective | K::InvalidDocumentEnd => {
            "did not find expected <document start>"
        }
        K::DuplicateVersionDirective => "found duplicate %YAML directive",
        K::UnsupportedYamlMajorVersion => "found incompatible YAML document",
        K::DuplicateTagDirective => "found duplicate %TAG directive",
        K::UndeclaredTagHandle => "found undefined tag handle",
        _ => return None,
    })
}

fn words_of_scanner(kind: &ErrorKind) -> &'static str {
    use ErrorKind as K;
    match kind {
        K::SimpleKeyExpected | K::InvalidSimpleKey => "could not find expected ':'",
        K::TabInIndentation | K::TabAtBlockScalarStart => {
            "found a tab character where an indentation space is expected"
        }
        K::TabInPlainScalar => "found a tab character that violates indentation",
        K::BlockSequenceEntryNotAllowed
        | K::BlockEntryInFlowCollection
        | K::InvalidBlockEntryWhitespace => {
            "block sequence entries are not allowed in this context"
        }
        K::MappingKeyNotAllowed => "mapping keys are not allowed in this context",
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => {
            "mapping values are not allowed in this context"
        }
        K::RecursionLimitExceeded => "exceeded max depth of 500",
        K::ZeroBlockScalarIndent => "found an indentation indicator equal to 0",
        K::InvalidBlockScalarHeader | K::InvalidDirectiveTerminator => {
            "did not find expected comment or line break"
        }
        K::DocumentIndicatorInQuotedScalar => "found unexpected document indicator",
        K::UnclosedQuotedScalar => "found unexpected end of stream",
        K::UnknownQuotedScalarEscape => "found unknown escape character",
        K::InvalidQuotedScalarHexEscape | K::InvalidLowSurrogateHexEscape => {
            "did not find expected hexdecimal number"
        }
        K::InvalidUnicodeEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate => "found invalid Unicode character escape code",
        K::MissingAnchorOrAliasName => "did not find expected alphabetic or numeric character",
        K::InvalidTagTerminator | K::InvalidTagDirectiveTerminator | K::ExpectedWhitespace => {
            "did not find expected whitespace or line break"
        }
        K::UnclosedVerbatimTag => "did not find the expected '>'",
        K::MissingTagUri => "did not find expected tag URI",
        K::MissingDirectiveName => "could not find expected directive name",
        K::InvalidDirectiveName => "found unexpected non-alphabetical character",
        K::MissingYamlVersion => "did not find expected version number",
        K::MissingYamlVersionSeparator => "did not find expected digit or '.' character",
        K::YamlVersionTooLong => "found extremely long version number",
        _ => "found character that cannot start any token",
    }
}
