//! How high and large a pattern's tree gets, without the tree.

/// Go refuses trees that are higher.
pub(super) const HEIGHT_MAX: usize = 1000;

/// Go refuses programs with more instructions.
const SIZE_MAX: u64 = (128 << 20) / 40;

/// One node of the tree, as far as limits ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The largest product of repetitions on a way down.
    pub(super) repeats: u64,
    height: usize,
    size: u64,
}

pub(super) const ATOM: Shape = Shape {
    repeats: 1,
    height: 1,
    size: 1,
};

impl Shape {
    pub(super) fn too_large(self) -> bool {
        self.size > SIZE_MAX
    }

    pub(super) fn too_high(self) -> bool {
        self.height > HEIGHT_MAX
    }

    fn beside(self, other: Self) -> Self {
        Self {
            repeats: self.repeats.max(other.repeats),
            height: self.height.max(other.height),
            size: self.size.saturating_add(other.size),
        }
    }

    fn above(self, extra: u64) -> Self {
        Self {
            height: self.height + 1,
            size: self.size.saturating_add(extra),
            ..self
        }
    }
}

/// A group that is being read: the branches before, and what stands in this one.
#[derive(Debug)]
pub(super) struct Group {
    capture: bool,
    branches: Option<Shape>,
    before: Option<Shape>,
    last: Option<Shape>,
}

impl Group {
    pub(super) fn new(capture: bool) -> Self {
        Self {
            capture,
            branches: None,
            before: None,
            last: None,
        }
    }

    pub(super) fn push(&mut self, shape: Shape) {
        self.before = match (self.before, self.last) {
            (Some(before), Some(last)) => Some(before.beside(last)),
            (before, last) => last.or(before),
        };
        self.last = Some(shape);
    }

    pub(super) fn alternate(&mut self) {
        let branch = self.branch();
        self.branches = Some(match self.branches {
            Some(branches) => branches.beside(branch),
            None => branch,
        });
        (self.before, self.last) = (None, None);
    }

    /// Puts a repetition above what was last; none where nothing was.
    pub(super) fn repeat_last(&mut self, counts: Option<(u32, Option<u32>)>) -> Option<Shape> {
        let last = self.last?;
        let mut shape = last.above(2);
        if let Some((min, max)) = counts {
            let times = u64::from(max.unwrap_or(min));
            shape.repeats = if times == 0 {
                1
            } else {
                last.repeats.saturating_mul(times)
            };
            shape.size = last.size.saturating_mul(times).saturating_add(2);
        }
        self.last = Some(shape);
        Some(shape)
    }

    /// The shape so far.
    pub(super) fn shape(&self) -> Shape {
        let branch = self.branch();
        match self.branches {
            Some(branches) => branches.beside(branch).above(1),
            None => branch,
        }
    }

    pub(super) fn finish(self) -> Shape {
        let shape = self.shape();
        if self.capture { shape.above(2) } else { shape }
    }

    /// The branch that is being read. Several things in a row are one node above them.
    fn branch(&self) -> Shape {
        match (self.before, self.last) {
            (Some(before), Some(last)) => before.beside(last).above(0),
            (before, last) => last.or(before).unwrap_or(ATOM),
        }
    }
}
