//! Widths: cells padded to their column, lines cut to the terminal.

const GAP: &str = "   ";

/// The widest cell of each column so far.
#[derive(Debug, Default)]
pub(super) struct Widths(Vec<usize>);

impl Widths {
    pub(super) fn fit(&mut self, row: &[String]) {
        if self.0.len() < row.len() {
            self.0.resize(row.len(), 0);
        }
        for (width, cell) in self.0.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }

    /// One line; the last cell is not padded, and nothing goes past `limit`.
    pub(super) fn line(&self, row: &[String], limit: Option<usize>) -> String {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if at + 1 < row.len() {
                let width = self.0.get(at).copied().unwrap_or(0);
                line.extend(std::iter::repeat_n(
                    ' ',
                    width.saturating_sub(cell.chars().count()),
                ));
                line.push_str(GAP);
            }
        }
        let line = line.trim_end();
        match limit {
            Some(limit) => line.chars().take(limit).collect(),
            None => line.to_owned(),
        }
    }
}
