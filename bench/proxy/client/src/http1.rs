//! HTTP/1.1 from the client's side: a reader of answers that have a length.

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;

/// Reads one answer after another.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    partial: Vec<u8>,
    /// Of the body under way: its length, and how much of it is missing.
    body: Option<(usize, usize)>,
}

impl Reader {
    /// Takes bytes, and adds the length of the body of each answer that ends with them.
    pub(crate) fn take(
        &mut self,
        mut bytes: &[u8],
        finished: &mut Vec<usize>,
    ) -> anyhow::Result<()> {
        loop {
            if self.body.is_none() {
                let Some(used) = self.head(bytes)? else {
                    return Ok(());
                };
                bytes = &bytes[used..];
            }
            if let Some((length, left)) = &mut self.body {
                let n = (*left).min(bytes.len());
                bytes = &bytes[n..];
                *left -= n;
                if *left > 0 {
                    return Ok(());
                }
                finished.push(*length);
                self.body = None;
            }
        }
    }

    /// Reads a head; yields how many of the bytes belong to it, or none if it isn't whole.
    fn head(&mut self, bytes: &[u8]) -> anyhow::Result<Option<usize>> {
        let before = self.partial.len();
        if before > 0 {
            self.partial.extend_from_slice(bytes);
        }
        let whole = if before > 0 { &self.partial } else { bytes };
        let Some(end) = memmem::find(whole, b"\r\n\r\n") else {
            if before == 0 {
                self.partial.extend_from_slice(bytes);
            }
            return Ok(None);
        };
        let length = length(&whole[..end])?;
        self.body = Some((length, length));
        self.partial.clear();
        Ok(Some(end + 4 - before))
    }
}

/// The length of the body that follows a head. The answer must be a 200.
fn length(head: &[u8]) -> anyhow::Result<usize> {
    let text = std::str::from_utf8(head)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    ensure!(
        status.starts_with("HTTP/1.1 200") || status.starts_with("HTTP/1.0 200"),
        "answered {status:?}"
    );
    let mut length = None;
    for line in lines {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("an answer without a length");
        }
    }
    length.context("an answer without a length")
}

#[cfg(test)]
mod tests {
    use super::Reader;

    /// Feeds the text in pieces of every size; expects the lengths of the answers in it, or a word of the error.
    fn check(text: &str, expect: Result<&[usize], &str>) {
        for piece in 1..=text.len() {
            let (mut reader, mut found) = (Reader::default(), Vec::new());
            let outcome = text
                .as_bytes()
                .chunks(piece)
                .try_for_each(|chunk| reader.take(chunk, &mut found));
            match (&outcome, expect) {
                (Ok(()), Ok(lengths)) => assert_eq!(found, lengths, "in pieces of {piece}"),
                (Err(error), Err(word)) => {
                    assert!(error.to_string().contains(word), "{error} lacks {word}");
                }
                _ => panic!("{text:?} in pieces of {piece}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn answers() {
        let five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        check(five, Ok(&[5]));
        check(&format!("{five}{five}"), Ok(&[5, 5]));
        check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(&[0]));
        check("HTTP/1.1 404 Not Found\r\n\r\n", Err("404"));
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            Err("length"),
        );
        check("HTTP/1.1 200 OK\r\n\r\n", Err("length"));
    }
}
