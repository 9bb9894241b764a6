//! How windows lie about a variant.

use super::edit::Edit;
use crate::{Error, Result};

/// The windows' length and by how much they are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    length: usize,
    shifts: Vec<i64>,
}

/// How many bases are needed on the two sides of a variant's longer and shorter allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flanks {
    pub left: usize,
    pub right: usize,
}

impl Layout {
    /// Windows of `length` bases, one for each shift: a window moved by 20 begins 20 bases further right, and the variant
    /// lies 20 bases further left in it. Without a shift there is one window, which is not moved.
    ///
    /// # Errors
    /// A length of 0; a shift that comes twice or leaves no variant in its window.
    pub fn new(length: usize, shifts: &[i64]) -> Result<Layout> {
        let shifts = match shifts.is_empty() {
            true => vec![0],
            false => shifts.to_vec(),
        };
        if length == 0 {
            return Err(Error::invalid("windows of no base; expected one or more"));
        }
        let layout = Layout { length, shifts };
        for (i, &shift) in layout.shifts.iter().enumerate() {
            if layout.before(1, shift).is_none() {
                let middle = (length / 2) as i64;
                return Err(Error::usage(format!(
                    "a shift of {shift}; expected {} to {middle}, which leave the variant in its window of {length} bases",
                    middle - length as i64 + 1
                )));
            }
            if layout.shifts[..i].contains(&shift) {
                return Err(Error::usage(format!(
                    "a shift of {shift} twice; expected each once"
                )));
            }
        }
        Ok(layout)
    }

    /// Bases of a window.
    pub fn length(&self) -> usize {
        self.length
    }

    /// One or more.
    pub fn shifts(&self) -> &[i64] {
        &self.shifts
    }

    /// How many bases lie before a variant whose longer allele has so many bases; `None` where that allele does not lie in
    /// the window altogether.
    pub(super) fn before(&self, longer: usize, shift: i64) -> Option<usize> {
        let moved = (self.length / 2) as i64 - (longer / 2) as i64 - shift;
        let before = usize::try_from(moved).ok()?;
        (before + longer <= self.length).then_some(before)
    }

    /// What all windows need together; `None` where an allele does not lie in every one of them.
    pub(super) fn flanks(&self, edit: &Edit) -> Option<Flanks> {
        let (longer, shorter) = (edit.longer(), edit.shorter());
        let mut flanks = Flanks { left: 0, right: 0 };
        for &shift in &self.shifts {
            let before = self.before(longer, shift)?;
            flanks.left = flanks.left.max(before);
            flanks.right = flanks.right.max(self.length - before - shorter);
        }
        Some(flanks)
    }
}
